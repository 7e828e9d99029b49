# サーバー、グループ、個人チャットごとの設定。

setting-answering = どの画像に答えるか
setting-channels = 答えるチャンネル
setting-language = 言語
setting-say-no-face = 顔がないときも言う
setting-say-sureness = どのくらい確かかを言う
setting-teachers = 教えてよい人
setting-log-channel = 変更を知らせる場所
setting-galleries = 共有ギャラリー
setting-false-name-rate = 知らない人を間違えてよい割合

choice-answering-off = 答えない
choice-answering-all = すべて
choice-answering-listed = 選んだチャンネルだけ
choice-answering-mentioned = メンションされたとき
choice-language-none = それぞれの言語
choice-language-en = English
choice-language-ja = 日本語
choice-language-zh = 中文
choice-switch-on = はい
choice-switch-off = いいえ
choice-none = なし
choice-default = 運営者の設定どおり
