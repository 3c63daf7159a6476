"""What an ECG was found to be, in the forms of hospital systems: FHIR and DICOM. No names."""
