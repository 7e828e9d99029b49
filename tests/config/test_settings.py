"""Settings: precedence, what each source may say, and what is refused and how."""

from __future__ import annotations

import itertools
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SettingsError
from config.options import Options
from config.schema import OptionKind, known_options, nearest_key
from config.settings import Settings, load_settings, variable_name
from tests.config.conftest import Load

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "MTA1-not_a.real~token"


def value_of(settings: Settings, key: str) -> object:
    value: object = settings.options
    for name in key.split("."):
        value = getattr(value, name)
    return value


# ── what is refused ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("toml", "key", "reason"),
    [
        ("[images]\nmax_bytse = 1", "images.max_bytse", "perhaps images.max_bytes is meant"),
        ("max_bytes = 1", "max_bytes", "perhaps images.max_bytes is meant"),
        (
            "[detecton]\nscore_threshold = 0.1",
            "detecton.score_threshold",
            "perhaps detection.score_threshold",
        ),
        ("[enrol]\nsmallest_face = 3", "enrol.smallest_face", "perhaps enroll.smallest_face is meant"),
        ("[images.deep]\nmax_bytes = 1", "images.deep.max_bytes", "perhaps images.max_bytes is meant"),
        ("[zzz]", "zzz", "there is no such setting (dareda.toml)"),
        ("[zzz]\nqqq = 1", "zzz.qqq", "there is no such setting (dareda.toml)"),
        ("images = 3", "images", "3 (dareda.toml) is not a section: [images]"),
        ("[[images]]\nmax_bytes = 3", "images", "is not a section: [images]"),
        ("[images]\nmax_bytes = 0", "images.max_bytes", "0 (dareda.toml) is not a whole number from 1 to"),
        ("[images]\nmax_bytes = 8.0", "images.max_bytes", "8.0 (dareda.toml) is not a whole number"),
        ("[images]\nmax_bytes = true", "images.max_bytes", "true (dareda.toml) is not a whole number"),
        ("[images]\nmax_bytes = '8'", "images.max_bytes", '"8" (dareda.toml) is not a whole number'),
        ("[images]\nmax_bytes = {a = 1}", "images.max_bytes", '{"a": 1} (dareda.toml) is not a whole number'),
        ("[images]\nmax_bytes = 1979-05-27", "images.max_bytes", '"1979-05-27" (dareda.toml) is not a whole'),
        (
            "[decision]\nthreshold = 1.01",
            "decision.threshold",
            "1.01 (dareda.toml) is not a number from 0 to 1",
        ),
        ("[decision]\nthreshold = nan", "decision.threshold", "is not a number from 0 to 1"),
        ("[decision]\nthreshold = inf", "decision.threshold", "is not a number from 0 to 1"),
        (f"[decision]\nthreshold = 1{'0' * 400}", "decision.threshold", "is not a number from 0 to 1"),
        ("[decision]\nthreshold = false", "decision.threshold", "is not a number from 0 to 1"),
        (
            "[decision]\none_face_per_character = 1",
            "decision.one_face_per_character",
            "1 (dareda.toml) is not true",
        ),
        ("[models]\nruntime = 'tensorrt'", "models.runtime", "is not auto, openvino, onnx or torch"),
        ("[models]\ndevice = 'gpu'", "models.device", "is not auto, cpu, cuda or cuda:N"),
        ("[models]\ndevice = 'cuda:'", "models.device", "is not auto, cpu, cuda or cuda:N"),
        ("[models]\npack = '  '", "models.pack", "is not a text that is not blank"),
        ('[models]\npack = "a\\u0000b"', "models.pack", "is not a text"),
        ("[gallery]\nshared = 'a'", "gallery.shared", '"a" (dareda.toml) is not a list of texts'),
        ("[gallery]\nshared = [1]", "gallery.shared", "[1] (dareda.toml) is not a list of texts"),
        ("[gallery]\nshared = ['a', ' ']", "gallery.shared", "is not a list of texts"),
        ("data_dir = ''", "data_dir", "is not a path"),
        ("data_dir = 3", "data_dir", "is not a path"),
        ("data_dir = '~nobody-of-that-name/x'", "data_dir", "is not a path"),
        ("images =", "--config", "dareda.toml is not valid TOML: Invalid value"),
        ("[images]\nmax_side = 5\nmax_side = 6", "--config", "dareda.toml is not valid TOML"),
        (f"a = {'9' * 5_000}", "--config", "dareda.toml is not valid TOML"),
        (f"a = {'[' * 100_000}", "--config", "dareda.toml is not valid TOML"),
        (b"[images]\n# \xff", "--config", "dareda.toml is not UTF-8 text"),
    ],
)
def test_a_wrong_config_file_is_refused_with_key_value_and_what_is_accepted(
    load: Load, toml: str | bytes, key: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(toml)

    assert refused.value.key == key
    assert reason in refused.value.reason
    assert key in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("DAREDA_IMAGES__MAX_BYTSE", "1", "perhaps DAREDA_IMAGES__MAX_BYTES is meant"),
        ("DAREDA_IMAGES_MAX_BYTES", "1", "perhaps DAREDA_IMAGES__MAX_BYTES is meant"),
        ("DAREDA_MAX_BYTES", "1", "perhaps DAREDA_IMAGES__MAX_BYTES is meant"),
        ("DAREDA_images__max_bytes", "1", "perhaps DAREDA_IMAGES__MAX_BYTES is meant"),
        ("DAREDA_", "1", "there is no such setting"),
        ("DAREDA_IMAGES__MAX_BYTES", "", '"" ({source}) is not a whole number'),
        ("DAREDA_IMAGES__MAX_BYTES", "12k", '"12k" ({source}) is not a whole number from 1 to 1,000,000,000'),
        ("DAREDA_IMAGES__MAX_BYTES", "1e6", "is not a whole number"),
        ("DAREDA_IMAGES__MAX_BYTES", "-1", "is not a whole number"),
        ("DAREDA_IMAGES__MAX_BYTES", "9" * 5_000, "is not a whole number"),
        ("DAREDA_DECISION__THRESHOLD", "nan", "is not a number from 0 to 1"),
        ("DAREDA_DECISION__THRESHOLD", "0,5", "is not a number from 0 to 1"),
        ("DAREDA_MODELS__FLIP_AVERAGE", "maybe", "is not true or false"),
        ("DAREDA_MODELS__FLIP_AVERAGE", "", "is not true or false"),
        ("DAREDA_LOGGING__LEVEL", "LOUD", "is not auto, DEBUG, INFO, WARNING or ERROR"),
        ("DAREDA_GALLERY__SHARED", "[1]", "is not a list of texts"),
        ("DAREDA_GALLERY__SHARED", '["a"', "is not a list of texts"),
        ("DAREDA_DATA_DIR", " ", "is not a path"),
    ],
)
@pytest.mark.parametrize("source", ["environment", ".env"])
def test_a_wrong_variable_is_refused_by_its_own_name(
    load: Load, name: str, text: str, reason: str, source: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        if source == ".env":
            load(dotenv=f"{name}='{text}'")
        else:
            load(environ={name: text})

    assert refused.value.key == name
    assert reason.format(source=source) in refused.value.reason
    assert f"({source})" in refused.value.reason


@pytest.mark.parametrize(
    ("override", "key", "reason"),
    [
        ("", "--set", "write it as --set section.key=value"),
        ("models", "--set", "write it as --set section.key=value"),
        ("models.pack", "models.pack", "write it as --set models.pack=value"),
        ("=1", "", "there is no such setting (--set)"),
        ("models=1", "models", "there is no such setting (--set)"),
        ("models.pak=mine", "models.pak", "perhaps models.pack is meant"),
        ("images.max_side=big", "images.max_side", '"big" (--set) is not a whole number'),
    ],
)
def test_a_wrong_override_is_refused(load: Load, override: str, key: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(overrides=[override])

    assert refused.value.key == key
    assert reason in refused.value.reason


def test_a_wrong_value_is_refused_even_where_a_stronger_source_overrides_it(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"images\.max_side .* 0 \(dareda\.toml\)"):
        load("[images]\nmax_side = 0", overrides=["images.max_side=5"])


def test_a_config_file_that_was_named_but_is_missing_is_refused(load: Load, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.toml: No such file"):
        load(config_file=Path("missing.toml"))
    with pytest.raises(SettingsError, match="directory"):
        load(config_file=tmp_path)


@pytest.mark.parametrize(
    ("dotenv", "reason"),
    [
        (f"\n\n{TOKEN}", "line 3 is not NAME=value"),
        ("A=1\nexport B", "line 2 is not NAME=value"),
        (f'DISCORD_TOKEN="{TOKEN}', "line 1 is not NAME=value"),
        (TOKEN.encode() + b"\xff", "it is not UTF-8 text"),
    ],
)
def test_a_broken_dotenv_file_is_refused_by_line_without_telling_what_it_says(
    load: Load, dotenv: str | bytes, reason: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(dotenv=dotenv)

    assert refused.value.key == ".env"
    assert refused.value.reason == reason
    assert TOKEN not in "".join(traceback.format_exception(refused.value))


# ── precedence ──────────────────────────────────────────────────────────────────────────────────

LAYERS: dict[str, dict[str, object]] = {  # weakest first; each says another number
    "dareda.toml": {"toml": "[images]\nmax_side = 1001"},
    ".env": {"dotenv": "DAREDA_IMAGES__MAX_SIDE=1002"},
    "environment": {"environ": {"DAREDA_IMAGES__MAX_SIDE": "1003"}},
    "--set": {"overrides": ["images.max_side=1004"]},
}


@pytest.mark.parametrize(
    "present", [names for n in range(len(LAYERS) + 1) for names in itertools.combinations(LAYERS, n)]
)
def test_the_strongest_source_that_says_something_counts(load: Load, present: tuple[str, ...]) -> None:
    arguments: dict[str, object] = {}
    for name in present:
        arguments |= LAYERS[name]

    settings = load(**arguments)

    if not present:
        assert settings == Settings()
        assert settings.options.images.max_side == Options().images.max_side
        return
    assert settings.options.images.max_side == 1001 + list(LAYERS).index(present[-1])
    assert settings.sources == {"images.max_side": present[-1]}


def test_sources_add_up_key_by_key(load: Load) -> None:
    settings = load(
        toml="data_dir = 'a'\n[images]\nmax_side = 1\nmax_frames = 2\n[models]\npack = 'mine'\n[gallery]",
        dotenv="DAREDA_IMAGES__MAX_FRAMES=3",
        environ={"DAREDA_LOGGING__LEVEL": "info", "PATH": "x", "SOMEBODY_ELSES": "y"},
        overrides=["models.threads=1", "models.threads=2"],
        data_dir=Path("b"),
    )

    assert settings.options.data_dir == Path("b")
    assert settings.options.images.max_side == 1
    assert settings.options.images.max_frames == 3
    assert settings.options.images.max_bytes == Options().images.max_bytes
    assert settings.options.models.pack == "mine"
    assert settings.options.models.threads == 2
    assert settings.options.logging.level == "INFO"
    assert settings.sources == {
        "data_dir": "--data-dir",
        "images.max_side": "dareda.toml",
        "images.max_frames": ".env",
        "models.pack": "dareda.toml",
        "models.threads": "--set",
        "logging.level": "environment",
    }


def test_a_named_config_file_replaces_the_one_in_the_folder(load: Load, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[models]\npack = 'other'")

    settings = load("[models]\npack = 'mine'\nthreads = 3", config_file=Path("other.toml"))

    assert settings.options.models.pack == "other"
    assert settings.options.models.threads == 0
    assert settings.sources == {"models.pack": "other.toml"}


def test_files_saved_with_a_byte_order_mark_and_windows_line_ends_are_read(load: Load) -> None:
    settings = load("\ufeff[models]\r\npack = 'ミク'\r\n", "\ufeffDAREDA_MODELS__THREADS=2\r\n")

    assert (settings.options.models.pack, settings.options.models.threads) == ("ミク", 2)


def test_dotenv_text_is_neither_executed_nor_interpolated(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME_PACK", "leaked")

    settings = load(
        dotenv="# a comment\nOTHER=1\nexport DAREDA_MODELS__PACK='${HOME_PACK}$(id)`id`' # more\n"
    )

    assert settings.options.models.pack == "${HOME_PACK}$(id)`id`"


# ── text to values ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("images.max_bytes", " 25_000_000 ", 25_000_000),
        ("decision.threshold", "1", 1.0),
        ("decision.threshold", "5e-1", 0.5),
        ("models.flip_average", "Yes", True),
        ("models.flip_average", "1", True),
        ("models.flip_average", "off", False),
        ("logging.format", "JSON", "json"),
        ("logging.level", "debug", "DEBUG"),
        ("models.device", "cuda:1", "cuda:1"),
        ("models.pack", " a=b ", "a=b"),
        ("gallery.shared", "", ()),
        ("gallery.shared", "one", ("one",)),
        ("gallery.shared", " one, two,,", ("one", "two")),
        ("gallery.shared", '["one, two", "three"]', ("one, two", "three")),
        ("data_dir", "/some/where", Path("/some/where")),
        ("data_dir", "~/dareda", Path("~/dareda").expanduser()),
    ],
)
def test_texts_become_values_of_the_options_type_from_every_text_source(
    load: Load, key: str, text: str, value: object
) -> None:
    by_override = load(overrides=[f"{key}={text}"])
    by_variable = load(environ={variable_name(key): text})

    for settings in (by_override, by_variable):
        assert value_of(settings, key) == value
        assert type(value_of(settings, key)) is type(value)


def test_a_whole_number_in_toml_will_do_for_a_number(load: Load) -> None:
    threshold = load("[decision]\nthreshold = 1").options.decision.threshold

    assert (threshold, type(threshold)) == (1.0, float)


@given(key=st.sampled_from(list(known_options())), text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_either_a_value_that_follows_the_rule_or_refused(key: str, text: str) -> None:
    kind = known_options()[key]
    try:
        settings = load_settings(environ={}, overrides=[f"{key}={text}"], cwd=ROOT / "tests" / "config")
    except SettingsError as refused:
        assert refused.key == key
        assert refused.reason.endswith(f"(--set) is not {kind.accepted}")
        return
    value = value_of(settings, key)
    as_in_toml = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
    assert kind.from_toml(as_in_toml) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "1"])
def test_a_number_without_a_range_is_still_a_finite_number(value: object) -> None:
    kind = OptionKind("x.y", float, None, 0.0)

    assert kind.from_toml(-3) == -3.0
    with pytest.raises(ValueError, match="a number"):
        kind.from_toml(value)


def test_every_default_is_a_value_that_its_option_accepts() -> None:
    for kind in known_options().values():
        default = kind.default
        as_in_toml = list(default) if isinstance(default, tuple) else default
        assert kind.from_toml(str(default) if isinstance(default, Path) else as_in_toml) == default, kind.key


def test_every_option_can_be_set_by_its_variable_and_no_two_share_one() -> None:
    names = [variable_name(key) for key in known_options()]

    assert len(set(names)) == len(names)
    assert "DAREDA_DATA_DIR" in names
    assert "DAREDA_IMAGES__MAX_BYTES" in names


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("threshold", "decision.threshold"),
        ("top", "decision.top"),
        ("model.pack", "models.pack"),
        ("enrol.smallest_face", "enroll.smallest_face"),
        ("detect.smallest_face", "detection.smallest_face"),
        ("decision.false_name_rat", "decision.false_name_rate"),
        ("datadir", "data_dir"),
        ("", None),
        ("completely.different", None),
    ],
)
def test_the_nearest_known_key_is_found(key: str, nearest: str | None) -> None:
    assert nearest_key(key) == nearest


# ── the error, and what loading costs ───────────────────────────────────────────────────────────


def test_the_error_says_which_setting_and_why_in_one_sentence() -> None:
    error = SettingsError(key="images.max_side", reason="it is too tall")

    assert str(error) == "The setting images.max_side is not usable: it is too tall."
    assert (error.code, error.key, error.reason) == ("settings", "images.max_side", "it is too tall")


def test_reading_settings_without_a_token_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = {"asyncio", "cv2", "numpy", "pydantic", "pydantic_settings", "torch"}
    script = (
        "import sys, config.logs, config.settings as settings\n"
        f"settings.load_settings(environ={{}})\nprint(sorted({heavy} & set(sys.modules)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.strip() == "[]"
