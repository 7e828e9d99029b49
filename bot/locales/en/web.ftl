# The web console.

web-skip = Skip to the content
web-menu = Menu
web-more = More
web-gallery-of = Gallery
web-language = Language
web-theme = Colours
web-theme-auto = As the system
web-theme-light = Light
web-theme-dark = Dark
web-log-out = Log out
web-date = { $at }
web-bytes = { MEGABYTES($bytes) }

web-nav-identify = Identify
web-nav-gallery = Gallery
web-nav-reviews = Reviews
web-nav-history = History
web-nav-settings = Settings
web-nav-health = Health

web-error-title = That did not work
web-error-home = To the first page

## Login

web-login-title = Log in
web-login-how = This console belongs to whoever runs this bot. The token is what { $variable } was set to.
web-login-token = Token
web-login = Log in

## Health

web-health-since = Running since
web-health-gallery = Enrolled
web-health-gallery-holds =
    { $characters ->
        [one] one character
       *[other] { $characters } characters
    }, { $samples ->
        [one] one sample
       *[other] { $samples } samples
    }
web-health-size = Size of the gallery
web-health-model = Model
web-health-closed-set = knows a fixed set of characters
web-health-chats = Chats
web-health-no-chats = none is connected
web-health-disk = Data folder
web-health-free = { MEGABYTES($bytes) } free
web-health-python =
    { $version }, { $cores ->
        [one] one core
       *[other] { $cores } cores
    }
