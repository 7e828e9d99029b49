# ウェブコンソール。

web-skip = 本文へ移動
web-menu = メニュー
web-more = その他
web-gallery-of = ギャラリー
web-language = 言語
web-theme = 配色
web-theme-auto = システムに合わせる
web-theme-light = ライト
web-theme-dark = ダーク
web-log-out = ログアウト
web-date = { $at }
web-bytes = { MEGABYTES($bytes) }

web-nav-identify = 調べる
web-nav-gallery = ギャラリー
web-nav-reviews = レビュー
web-nav-history = 履歴
web-nav-settings = 設定
web-nav-health = 状態

web-error-title = うまくいきませんでした
web-error-home = 最初のページへ

## Login

web-login-title = ログイン
web-login-how = このコンソールはボットの運営者のものです。トークンは { $variable } に設定した値です。
web-login-token = トークン
web-login = ログイン

## Health

web-health-since = 起動時刻
web-health-gallery = 登録数
web-health-gallery-holds = キャラクター { $characters } 人、サンプル { $samples } 件
web-health-size = ギャラリーの大きさ
web-health-model = モデル
web-health-closed-set = 決まったキャラクターだけを知っています
web-health-chats = チャット
web-health-no-chats = 接続していません
web-health-disk = データフォルダー
web-health-free = 空き { MEGABYTES($bytes) }
web-health-python = { $version }、{ $cores } コア
