import sys


def test_a_report_is_offered_on_both_papers_and_drawn_only_on_click(page, monkeypatch):
    monkeypatch.delitem(sys.modules, "protoecg.report", raising=False)

    app = page("explain", example="Atrial fibrillation")

    buttons = [button.proto for button in app.get("download_button")]
    assert [button.label for button in buttons] == ["PDF, A4", "PDF, Letter"]
    assert all(button.deferred_file_id and not button.url for button in buttons)
    assert "protoecg.report" not in sys.modules
