"""What a bundle is worth: accuracy, faithfulness, abstention and the rest of its card."""
