from pages.shared.recordings import Recordings
from protoecg.simulate import example


def test_an_ecg_comes_back_by_its_token_only():
    store, ecg = Recordings(), example("Atrial fibrillation")

    token = store.add(ecg)

    assert store.get(token) is ecg
    assert store.get("other") is None


def test_the_ecg_unused_for_longest_makes_room():
    store, ecg = Recordings(kept=2), example("Atrial fibrillation")
    first, second = store.add(ecg), store.add(ecg)
    store.get(first)

    third = store.add(ecg)

    assert [store.get(token) is ecg for token in (first, second, third)] == [True, False, True]
