# 自己紹介と設定。

introduction =
    こんにちは、だーれだ（Dareda）です。絵の中のキャラクターが誰かを答えます。{ $when }どこで答えるかは、管理者が下のボタンか、あとで { $settings } で選べます。できることは { $help } で見られます。
introduction-all = ここではすべての画像に答えます。
introduction-asked = 設定されるまでは、メンションされたときと { $identify } で聞かれたときだけ答えます。
introduction-private =
    こんにちは、だーれだ（Dareda）です。キャラクターの絵を送ると、誰かを答えます。新しいキャラクターは { $enroll } で教えてください。ここにはあなただけのギャラリーがあります。
button-answer-all = どこでも答える
button-answer-here = このチャンネルで答える
button-answer-mentioned = メンションされたら答える
button-settings = 設定

help-intro = 画像を投稿すると、誰かを答えます。答えの下のボタンで、合っているかを教えてください。コマンド：
help-command = { $command } – { $description }

stats-gallery = ここで知っているのは { $count } 人、サンプルは { $samples } 枚です。
stats-asked = { $since } から { $pictures } 枚の画像を見て、{ $faces } つの顔のうち { $known } つがわかりました。
stats-feedback = 「正解」が { $right } 回、「違う」が { $wrong } 回押され、{ $corrections } 回直してもらいました。
stats-reviews = 確認待ちの指摘が { $count } 件あります。

settings-title = ここでの設定：
settings-changed = 変更しました。ここでの設定：
settings-line = { $setting }：{ $value }
settings-menu = 変える項目を選ぶ
settings-galleries = 共有ギャラリーを切り替える
settings-ids = ID かメンション（カンマ区切り）
settings-channels =
    { $here ->
        [true] { $count ->
            [1] ここ
           *[other] ここを含む { $count } か所
        }
       *[false] ほかの { $count } か所
    }
settings-teachers = { $count } 件のロールか人と、ここの管理者
settings-list = { $values }
settings-rate = { NUMBER($rate, style: "percent", maximumFractionDigits: 2) }
button-type = 入力…
button-this-channel = このチャンネル
