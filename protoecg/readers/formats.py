"""What is read, in the words of all refusals and of the pages."""

READ = (
    "DICOM, SCP-ECG, EDF, BDF, XML (HL7 aECG, GE MUSE, Philips), WFDB, ISHNE, MFER, MATLAB, CSV, "
    "NPY, NPZ, or one of these in a ZIP"
)
# What a hospital's ECG system can write where only a picture of the ECG is at hand.
EXPORTS = "Export the recording itself, such as DICOM waveform, SCP-ECG, XML or EDF."
