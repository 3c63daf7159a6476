"""A data set to a bundle: the stages of training, fusion and calibration."""
