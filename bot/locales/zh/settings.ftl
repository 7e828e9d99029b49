# 每个服务器、群组或私聊自己的设置。

setting-answering = 回答哪些图片
setting-channels = 在这些频道
setting-language = 语言
setting-say-no-face = 没有脸时也说
setting-say-sureness = 说明有多确定
setting-teachers = 谁可以教我
setting-log-channel = 在哪里通知更改
setting-galleries = 共享图库
setting-false-name-rate = 陌生脸被错认的允许比例

choice-answering-off = 不回答
choice-answering-all = 全部
choice-answering-listed = 只在选定的频道
choice-answering-mentioned = 提到我的
choice-language-none = 各人自己的语言
choice-language-en = English
choice-language-ja = 日本語
choice-language-zh = 中文
choice-switch-on = 是
choice-switch-off = 否
choice-none = 无
choice-default = 按运营者的设定
