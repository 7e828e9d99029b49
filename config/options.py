"""Every option with its default, each written once; receivers get these values, never the environment.

The comment behind an option is its documentation: `config/example.py` copies it into `example.toml`.
What an annotation says beyond the type is checked where settings are read, not when a value is made in code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal


@dataclass(frozen=True, slots=True)
class Range:
    """A number of that option lies in here, ends included."""

    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text of that option matches the whole regular expression; `accepted` says it in words."""

    expression: str
    accepted: str


Share = Annotated[float, Range(0, 1)]
Seconds = Annotated[float, Range(0, 3_600)]
Count = Annotated[int, Range(1, 1_000_000_000)]
RuntimeChoice = Literal["auto", "openvino", "onnx", "torch"]
Device = Annotated[str, Pattern(r"auto|cpu|cuda(:[0-9]{1,3})?", "auto, cpu, cuda or cuda:N")]
Folder = Annotated[Path, Pattern(r"(?s).*\S.*", "a path")]
Text = Annotated[str, Pattern(r"(?s).*\S.*", "a text that is not blank")]
ShardIds = Annotated[str, Pattern(r"all|[0-9]{1,5}(-[0-9]{1,5})?", "all, a number or a range such as 0-3")]
WebAddress = Annotated[
    str, Pattern(r"https?://[^\s/?#]+[^\s?#]*[^\s/?#]", "an address such as https://host/path")
]
PublicAddress = Annotated[
    str, Pattern(r"(https?://[^\s/?#]+[^\s?#]*[^\s/?#])?", "an address such as https://host/path")
]


Fingerprint = Annotated[
    str, Pattern(r"([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}|", "a sha256 in hexadecimal, or nothing")
]
IndexPrefix = Annotated[
    str, Pattern(r"[a-z0-9][a-z0-9_-]{0,60}", "lower-case letters, digits, - and _, beginning with no - or _")
]


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a posted picture may be; all of it is checked before its pixels are decoded."""

    max_bytes: Count = 25 * 1024 * 1024  # bytes of the file
    max_pixels: Count = 50_000_000  # pixels of one frame: width × height
    max_side: Count = 32_000  # pixels of the longer side
    max_frames: Count = 3_000  # frames of an animation
    sampled_frames: Count = 8  # frames of an animation that are looked at


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model pack runs, and on what."""

    pack: Text = "dareda-1"  # `python bot.py models list` shows the installed ones
    runtime: RuntimeChoice = "auto"  # auto is torch where it finds a GPU, else openvino, else onnx
    precision: Literal["auto", "float32"] = "auto"  # on a CPU; auto is the fastest that is as good
    device: Device = "auto"  # auto is the first GPU if there is one
    threads: Annotated[int, Range(0, 1_024)] = 0  # intra-op threads of each model on the CPU; 0 is all cores
    flip_average: bool = True  # add the embedding of the mirrored crop: a little better, twice the work
    per_core: bool = True  # when many ask, both models for each of 2 to 4 cores: faster; 120 MB each


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """How faces are looked for; a threshold of 0 takes the model pack's own."""

    score_threshold: Share = 0.0  # detector confidence from which a box is a face
    iou_threshold: Share = 0.5  # boxes that overlap more than this are the same face
    max_faces: Count = 64  # faces in one picture; the best scores are kept
    tile_aspect: Annotated[float, Range(1, 1_000)] = 2.5  # longer ÷ shorter side; above it, tiles are cut
    tile_above: Count = 2_560  # pixels of the longer side; above it, tiles are cut
    tile_overlap: Annotated[float, Range(0, 0.9)] = 0.25  # share of a tile that the next one sees again
    max_tiles: Count = 48  # tiles of one picture; they are made larger when there would be more
    smallest_face: Annotated[int, Range(0, 100_000)] = 12  # pixels of the picture; smaller boxes are dropped


@dataclass(frozen=True, slots=True)
class BatchingOptions:
    """How the shared queues collect work for one model call."""

    detector_items: Annotated[int, Range(1, 1_024)] = 8  # canvases in one call
    embedder_items: Annotated[int, Range(1, 1_024)] = 32  # crops in one call
    max_wait_s: Seconds = 0.004  # how long the first item waits for company
    max_queue: Count = 256  # items that may wait; more are refused as "overloaded"
    deadline_s: Annotated[float, Range(0.1, 3_600)] = 30.0  # a request that takes longer is given up


@dataclass(frozen=True, slots=True)
class DecisionOptions:
    """When a face is named; thresholds of 0 take the model pack's calibration."""

    false_name_rate: Share = 0.01  # how often a stranger may be named; the calibration makes thresholds of it
    threshold: Share = 0.0  # likeness (by cosines) from which a face is named
    margin: Share = 0.0  # lead over the best other character, else the face is "unsure"
    one_face_per_character: bool = True  # nobody is named twice in one picture
    top: Count = 5  # matches reported for each face


@dataclass(frozen=True, slots=True)
class EnrollOptions:
    """What a face must be to become a sample."""

    smallest_face: Annotated[int, Range(0, 100_000)] = 32  # least pixels of the shorter side of the face box
    lowest_score: Share = 0.35  # least detector confidence
    lowest_sharpness: Annotated[float, Range(0, 1_000)] = 4.0  # least Laplacian deviation, 112 px crop
    alike_hint: bool = True  # tell when the face already looks like another character
    samples_per_character: Annotated[int, Range(0, 1_000_000)] = 10  # of a folder, at most; 0 is no limit
    leave_out_outliers: bool = True  # of a folder, faces that are unlike the character's others


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """How the answer picture looks and how large its file may get."""

    max_bytes: Count = 8 * 1024 * 1024  # bytes of the file
    max_side: Annotated[int, Range(64, 16_383)] = 4_096  # pixels of the longer side; WebP ends at 16,383
    format: Literal["jpeg", "webp"] = "jpeg"  # webp is smaller and slower to make
    quality: Annotated[int, Range(1, 100)] = 90  # lowered when the file would exceed max_bytes


@dataclass(frozen=True, slots=True)
class GalleryOptions:
    """Where enrolled characters live."""

    backend: Literal["embedded", "elasticsearch"] = "embedded"  # one SQLite file, or a cluster of servers
    file: Text = "gallery.sqlite"  # where it is, relative to the data folder
    shared: tuple[str, ...] = ()  # galleries that every scope also sees
    undo_days: Annotated[int, Range(0, 36_500)] = 7  # days that changes can be undone, forgotten crops kept
    exact_up_to: Annotated[int, Range(1_000, 100_000_000)] = 25_000  # samples; larger scopes use an index


@dataclass(frozen=True, slots=True)
class ElasticsearchOptions:
    """The gallery in Elasticsearch, for gallery.backend = "elasticsearch"; see docs/elasticsearch.md."""

    url: tuple[str, ...] = ("http://127.0.0.1:9200",)  # its nodes; https:// wherever it is not this machine
    user: str = ""  # with ELASTICSEARCH_PASSWORD; not needed with ELASTICSEARCH_API_KEY
    ca_file: str = ""  # PEM file of the authority that signed the servers' certificates
    fingerprint: Fingerprint = ""  # sha256 of the server's certificate, in place of an authority
    verify_certificate: bool = True  # false believes any server, so anybody in between may read along
    index_prefix: IndexPrefix = "dareda"  # what the names of the indices begin with
    vector_index: Literal["int8_hnsw", "flat", "bbq_hnsw"] = "int8_hnsw"  # how faces of a new index are kept
    candidates: Annotated[int, Range(10, 10_000)] = 256  # faces looked at; large galleries take more
    refresh_ms: Annotated[int, Range(10, 60_000)] = 100  # how long a change waits to be seen by searches
    timeout_s: Annotated[float, Range(0.1, 3_600)] = 10.0  # a question that takes longer is given up
    change_timeout_s: Annotated[float, Range(1, 3_600)] = 30.0  # and a change, with all that it waits for


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How Dareda behaves in chats; what a server or group sets with /settings counts more."""

    file: Text = "chats.sqlite"  # what is remembered of chats, relative to the data folder; no pictures
    language: Literal["en", "ja", "zh"] = "en"  # where neither the chat nor the user has chosen one
    answering: Literal["off", "all", "mentioned"] = "off"  # to which pictures, until a chat sets it up
    operators: tuple[str, ...] = ()  # who may do everything everywhere, e.g. "discord:80351110224678912"
    offered_galleries: tuple[str, ...] = ()  # shared galleries that a chat may switch on for itself
    answers_days: Annotated[int, Range(1, 36_500)] = 30  # days that buttons under an answer work
    question_minutes: Annotated[int, Range(1, 10_000)] = 60  # how long a question of the bot waits
    most_images: Annotated[int, Range(1, 100)] = 10  # pictures of one message that are looked at
    user_burst: Count = 20  # pictures and commands that one user may send at once
    user_per_minute: Annotated[float, Range(0.01, 1_000_000)] = 30.0  # and so many more every minute
    space_burst: Count = 120  # pictures and commands that one server or group may send at once
    space_per_minute: Annotated[float, Range(0.01, 1_000_000)] = 240.0  # and so many more every minute
    workers: Annotated[int, Range(1, 1_024)] = 8  # posts and commands that are worked on at the same time
    max_waiting: Count = 512  # posts and commands that may wait; more are refused as "overloaded"
    max_waiting_per_space: Count = 64  # of one server or group
    close_s: Seconds = 20.0  # how long what is under way may take when Dareda is stopped


@dataclass(frozen=True, slots=True)
class DiscordOptions:
    """How Dareda talks to Discord; it does when DISCORD_TOKEN is set."""

    message_content: bool = True  # see every posted picture, for which the portal must allow that intent
    shards: Annotated[int, Range(0, 10_000)] = 0  # how many connections share the servers; 0: as advised
    shard_ids: ShardIds = "all"  # which of them this process has, e.g. "0-3"; more processes have the others
    api_base: WebAddress = "https://discord.com/api/v10"  # another one for a compatible server
    cdn: tuple[str, ...] = (
        "cdn.discordapp.com",
        "media.discordapp.net",
        "images-ext-1.discordapp.net",
        "images-ext-2.discordapp.net",
    )  # where pictures are read from and nowhere else, over https unless it says http://; stickers: the first
    requests_per_second: Annotated[int, Range(1, 10_000)] = 45  # messages and the like; Discord allows 50


@dataclass(frozen=True, slots=True)
class TelegramOptions:
    """How Dareda talks to Telegram; it does when TELEGRAM_TOKEN is set."""

    receive: Literal["polling", "webhook"] = "polling"  # ask for updates, or have them sent to webhook_url
    webhook_url: PublicAddress = ""  # where Telegram reaches the reverse proxy; a secret path is added
    webhook_host: Text = "127.0.0.1"  # address that Dareda listens on for what the proxy passes on
    webhook_port: Annotated[int, Range(0, 65_535)] = 8_090  # and the port; 0 takes a free one
    base_url: WebAddress = "https://api.telegram.org/bot"  # of another Bot API server, if you run your own
    base_file_url: WebAddress = "https://api.telegram.org/file/bot"  # and where it has files
    local_mode: bool = False  # your own server runs with --local on this machine: files of any size
    album_wait_s: Annotated[float, Range(0.05, 60)] = 1.2  # an album is complete when nothing more comes
    longest_film_s: Annotated[int, Range(0, 3_600)] = 60  # longer videos and GIFs are not looked at
    messages_per_second: Annotated[int, Range(1, 1_000)] = 29  # to all chats; Telegram allows about 30
    group_messages_per_minute: Annotated[int, Range(1, 1_000)] = 20  # to one group; more are refused


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The web console; reached from elsewhere than this machine, it asks for WEB_TOKEN."""

    start: Literal["auto", "on", "off"] = "auto"  # auto is beside a chat, and where a terminal is attached
    host: Text = "127.0.0.1"  # address to listen on; any but this machine's own needs WEB_TOKEN
    port: Annotated[int, Range(0, 65_535)] = 8_092  # and the port; 0 takes a free one
    public_url: PublicAddress = ""  # where a reverse proxy makes it reachable; https:// keeps cookies to it
    session_hours: Annotated[float, Range(0.1, 8_760)] = 12.0  # hours without a visit, then log in again
    max_archive_bytes: Annotated[int, Range(1, 1024**4)] = 4_294_967_296  # bytes of an archive to import


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """The inference service: which one this process uses, and where `serve` listens; see docs/service.md."""

    url: tuple[str, ...] = ()  # servers that look at pictures for this process; none: it does so itself
    ca_file: str = ""  # PEM file of the authority that signed their certificates
    start_s: Seconds = 60.0  # how long the first of them is waited for at the start
    host: Text = "127.0.0.1"  # what `serve` listens on; only this machine's own needs no SERVICE_TOKEN
    port: Annotated[int, Range(0, 65_535)] = 8_100  # and the port; 0 takes a free one
    max_waiting: Count = 256  # requests worked on at the same time; more are refused as "overloaded"
    max_archive_bytes: Annotated[int, Range(1, 1e15)] = 4 * 1024**3  # bytes of an archive sent to import
    close_s: Seconds = 20.0  # how long requests under way may take when `serve` is stopped


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Figures for Prometheus, from `run` and `serve`."""

    port: Annotated[int, Range(0, 65_535)] = 0  # of http://host:port/metrics; 0: none
    host: Text = "127.0.0.1"  # address it listens on; there is no token, so keep it where only Prometheus is


@dataclass(frozen=True, slots=True)
class LoggingOptions:
    """What is logged and in which shape."""

    level: Literal["auto", "DEBUG", "INFO", "WARNING", "ERROR"] = "auto"  # auto: INFO where others are served
    format: Literal["console", "json"] = "console"  # console is for people, json is one object a line


@dataclass(frozen=True, slots=True)
class Options:
    """All options of one process."""

    data_dir: Folder = Path("data")  # folder of the gallery and of installed model packs
    images: ImageLimits = field(default_factory=ImageLimits)
    models: ModelOptions = field(default_factory=ModelOptions)
    detection: DetectionOptions = field(default_factory=DetectionOptions)
    batching: BatchingOptions = field(default_factory=BatchingOptions)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    enroll: EnrollOptions = field(default_factory=EnrollOptions)
    annotate: AnnotateOptions = field(default_factory=AnnotateOptions)
    gallery: GalleryOptions = field(default_factory=GalleryOptions)
    elasticsearch: ElasticsearchOptions = field(default_factory=ElasticsearchOptions)
    chats: ChatOptions = field(default_factory=ChatOptions)
    discord: DiscordOptions = field(default_factory=DiscordOptions)
    telegram: TelegramOptions = field(default_factory=TelegramOptions)
    web: WebOptions = field(default_factory=WebOptions)
    service: ServiceOptions = field(default_factory=ServiceOptions)
    metrics: MetricsOptions = field(default_factory=MetricsOptions)
    logging: LoggingOptions = field(default_factory=LoggingOptions)

    @property
    def packs_dir(self) -> Path:
        """Where installed model packs live."""
        return self.data_dir / "models"

    @property
    def compiled_dir(self) -> Path:
        """Where networks are kept as compiled for this CPU; it may be deleted at any time."""
        return self.data_dir / "compiled"

    @property
    def gallery_file(self) -> Path:
        """The embedded gallery."""
        return self.data_dir / self.gallery.file

    @property
    def chats_file(self) -> Path:
        """What is remembered of chats."""
        return self.data_dir / self.chats.file

    @property
    def transfers_dir(self) -> Path:
        """Archives that the web console is writing or reading; gone when it stops."""
        return self.data_dir / "transfers"

    @property
    def console_file(self) -> Path:
        """What the web console remembers."""
        return self.data_dir / "console.json"

    @property
    def heartbeat_file(self) -> Path:
        """Touched by a running bot, for `health`."""
        return self.data_dir / "run.alive"
