"""How the app is served: to which addresses and browsers, what a defect shows, what is logged."""
