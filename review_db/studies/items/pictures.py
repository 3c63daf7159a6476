"""Where the ECGs of a study lie, and which of its items could not be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from protoecg.ecg import ECG
from protoecg.prototypes.manifest import FILE, BundleError, Manifest, read_manifest
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from protoecg.storage import folders
from review_db.studies.design import DesignError
from review_db.studies.items import SourceFile, StudyItem


@dataclass(frozen=True)
class Pictures:
    """The places where a study's ECGs are looked for, in this order."""

    places: Sequence[Waveforms]

    def load(self, source: SourceFile) -> ECG:
        """Return an ECG without its source.

        Raises
        ------
        WaveformUnavailable
            If no place has it as the study knows it.
        """
        reason = WaveformUnavailable("The model of this study is not on this machine.")
        for place in self.places:
            try:
                ecg = place.load(_described(source))
                return ECG(ecg.signal, ecg.rate)
            except WaveformUnavailable as error:
                reason = error
        raise reason

    def missing(self, items: Iterable[StudyItem]) -> list[SourceFile]:
        """Return the ECGs of items that are nowhere, each once."""
        sources = {s.record + s.sha256: s for item in items for s in item.content.sources}
        return [source for source in sources.values() if not self._has(source)]

    def refuse_undrawable(self, items: Sequence[StudyItem]) -> None:
        """Refuse items of which a reviewer would find no picture.

        Raises
        ------
        DesignError
            If an ECG is missing; the message says how many are, and what to do.
        """
        missing = self.missing(items)
        if not missing:
            return
        records = {source.record for source in missing}
        of = [item for item in items if records & {s.record for s in item.content.sources}]
        raise DesignError(
            f"{len(of)} of {len(items)} items cannot be drawn, so the study cannot start: "
            f"{len(missing)} ECGs are not on this machine, such as {missing[0].record!r}. Set "
            "PROTOECG_PTBXL to the data that the cases were drawn from, put the bundles that "
            f"they are explained by into {folders.models()}, or get the ECGs by `python -m "
            "protoecg fetch`."
        )

    def _has(self, source: SourceFile) -> bool:
        try:
            self.load(source)
        except WaveformUnavailable:
            return False
        return True


def study_pictures(bundle: str, fingerprint: str) -> Pictures:
    """Return where a study's ECGs are: with the bundle it is of, then with all others there are.

    The two explanations of a pair may be of bundles of different data.
    """
    found = list(_bundles())
    own = [
        w for manifest, w in found if (manifest.name, manifest.fingerprint) == (bundle, fingerprint)
    ]
    return Pictures([*own, *(waveforms for _, waveforms in found if waveforms not in own)])


def _bundles() -> Iterator[tuple[Manifest, Waveforms]]:
    for folder in folders.of_models(FILE):
        with suppress(BundleError, OSError):
            manifest = read_manifest(folder)
            yield manifest, Waveforms.for_bundle(folder, manifest.self_contained)


def _described(source: SourceFile) -> SourceECG:
    return SourceECG(
        name="",
        record=source.record,
        window_s=(0.0, 10.0),
        statements=(),
        patient="",
        age=None,
        sex=None,
        sha256=source.sha256,
    )
