"""A printed report as a DICOM object: Encapsulated PDF, for an archive of images.

DICOM PS3.3 A.45.1 (Encapsulated PDF IOD) and C.24.2 (Encapsulated Document Module). Who the patient
is stands in the object only where it was given; the page itself names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian, generate_uid

from protoecg import __version__

TITLE = "Explained ECG, research use only"
# Long strings (LO) of DICOM, and short ones (SH).
LONGEST, SHORTEST = 64, 16


class IdentityError(ValueError):
    """What was given of a patient or study that DICOM has no room for; the message says why."""


@dataclass(frozen=True)
class Identity:
    """Whose report it is and of which study; empty where that is not to be written.

    Parameters
    ----------
    name : as DICOM writes it, "Family^Given"
    patient_id, accession : of the hospital
    study_uid : of the study that it belongs to; else it is one of its own

    Raises
    ------
    IdentityError
        If one is too long for DICOM, or has signs that mean something else there.
    """

    name: str = ""
    patient_id: str = ""
    accession: str = ""
    study_uid: str = ""

    def __post_init__(self) -> None:
        """Refuse what DICOM cannot hold."""
        for words, value, longest in (
            ("name", self.name, LONGEST),
            ("ID", self.patient_id, LONGEST),
            ("accession number", self.accession, SHORTEST),
        ):
            if len(value) > longest or "\\" in value or not value.isprintable():
                raise IdentityError(
                    f"DICOM has no room for that {words}: at most {longest} letters, no backslash."
                )
        if self.study_uid and not UID(self.study_uid).is_valid:
            raise IdentityError("The UID of the study is none: expected digits with dots between.")


NOBODY = Identity()


def encapsulated(pdf: bytes, model: str, revision: str, identity: Identity = NOBODY) -> bytes:
    """Return a PDF page in a DICOM file, with UIDs of its own.

    Parameters
    ----------
    pdf : that names nobody
    model, revision : the bundle that explained the ECG
    """
    now = datetime.now()
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = EncapsulatedPDFStorage, generate_uid()
    dataset.StudyInstanceUID = UID(identity.study_uid) if identity.study_uid else generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName, dataset.PatientID = identity.name, identity.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.AccessionNumber = identity.accession
    dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.StudyDate = dataset.StudyTime = ""
    dataset.ContentDate, dataset.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    # When the ECG was recorded is not in it.
    dataset.AcquisitionDateTime = ""
    dataset.Modality, dataset.ConversionType = "DOC", "WSD"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.SeriesDescription = TITLE
    dataset.Manufacturer, dataset.ManufacturerModelName = "ProtoECG", model[:LONGEST]
    dataset.SoftwareVersions = [__version__, revision[:LONGEST]]
    dataset.BurnedInAnnotation, dataset.DocumentTitle = "NO", TITLE
    dataset.ConceptNameCodeSequence = [_code("11524-6", "LN", "EKG study")]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = len(pdf)
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return _file(dataset)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _file(dataset: Dataset) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()
