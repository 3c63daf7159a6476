"""Pictures of ECGs and explanations: pure functions that return a Plotly figure."""
