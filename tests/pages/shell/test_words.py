from pages.shell.words import capitalised


def test_a_text_begins_with_a_capital_and_keeps_those_that_it_has():
    assert capitalised("an ECG to read") == "An ECG to read"
