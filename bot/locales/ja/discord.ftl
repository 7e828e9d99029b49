# What only Discord makes necessary to say.

discord-no-history = （このチャンネルの履歴を読む権限がないため、メッセージに直接返信できません。サーバーの管理者が「メッセージ履歴を読む」を許可できます。）
discord-too-late = { $name }さん、Discordが待てる時間を超えてしまいました。結果はこちらです。ご本人だけに見せる内容は、もう一度お試しください。
discord-open-form = 続けるにはボタンを押してください。
