"""What is read, in the words of all refusals and of the pages."""

XML = "HL7 aECG, GE MUSE, GE CardioSoft, Philips, Schiller, Mortara"
READ = (
    f"DICOM, SCP-ECG, EDF, BDF, XML ({XML}), WFDB, ISHNE, MFER, MATLAB, HDF5, CSV, NPY, NPZ, or "
    "one of these in a ZIP"
)
# What a hospital's ECG system can write where only a picture of the ECG is at hand.
EXPORTS = (
    "Export the recording itself from the ECG management system, as DICOM waveform, SCP-ECG or XML "
    "(HL7 aECG or the vendor's own): whoever runs that system can."
)
