from pages.ecg.recordings import Recordings
from protoecg.readers import Recording
from protoecg.simulate import example

ECG = example("Atrial fibrillation")


def recording():
    return Recording(ECG.signal, ECG.rate)


def test_a_recording_comes_back_by_its_token_only():
    store, kept = Recordings(), recording()

    token = store.add(kept)

    assert store.get(token) is kept
    assert store.get("other") is None


def test_the_recording_unused_for_longest_makes_room():
    store, kept = Recordings(kept=2), recording()
    first, second = store.add(kept), store.add(kept)
    store.get(first)

    third = store.add(kept)

    assert [store.get(token) is kept for token in (first, second, third)] == [True, False, True]


def test_long_recordings_leave_room_for_fewer():
    store, kept = Recordings(kept_bytes=2 * ECG.signal.nbytes), recording()

    tokens = [store.add(kept) for _ in range(3)]

    assert [store.get(token) is kept for token in tokens] == [False, True, True]
    assert Recordings(kept_bytes=1).add(kept)
