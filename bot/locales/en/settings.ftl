# What a server, group or private chat can set for itself.

setting-answering = Which pictures I answer
setting-channels = In these channels
setting-language = Language
setting-say-no-face = Say when there is no face
setting-say-sureness = Say how sure I am
setting-teachers = Who may teach me
setting-log-channel = Where I tell changes
setting-galleries = Shared galleries
setting-false-name-rate = How often a stranger may get a name

choice-answering-off = None
choice-answering-all = All
choice-answering-listed = Those in chosen channels
choice-answering-mentioned = Those that mention me
choice-language-none = Everybody's own
choice-language-en = English
choice-language-ja = 日本語
choice-language-zh = 中文
choice-switch-on = Yes
choice-switch-off = No
choice-none = None
choice-default = As my operator has set it
