# 对图片的回答，以及对回答的反馈。

## 回答

answer-sure = 这是 { $people }，我很确定。
answer-likely = 这是 { $people }，应该没错。
answer-unsure = 这可能是 { $people }，但我不确定。
answer-known = 这是 { $people }。
answer-maybe = 这可能是 { $people }。
answer-more = 另外 { $count } 人
answer-strangers =
    { $alone ->
        [true] { $count ->
            [1] 我不认识这张脸。
           *[other] 这 { $count } 张脸我都不认识。
        }
       *[false] 有 { $count } 张脸我不认识。
    }
answer-picture = 第 { NUMBER($number, useGrouping: 0) } 张：{ $text }
answer-only-first = 我只看了前 { $count } 张图片。
drawn-unknown = 未知

button-right = 对
button-wrong = 不对
button-who = 这是谁？
button-why = 为什么？

## 反馈

thanks = 谢谢。
thanks-right = 谢谢，我记住了。
thanks-review = 谢谢。我已转告可以在这里教我的人。
ask-who = 这是谁？
ask-which-face = 你说的是哪张脸？
faces-numbered = 给 { $count } 张脸标了编号的图片
face-label = { NUMBER($number, useGrouping: 0) }：{ $name }
face-of-picture = 第 { NUMBER($picture, useGrouping: 0) } 张图的 { NUMBER($number, useGrouping: 0) }：{ $name }
menu-face = 选择一张脸
menu-who = 选择是谁
menu-name = { $name }
menu-somebody-else = 其他人……
menu-nobody = 我不知道
form-title = 这是谁？
form-name = 名字
form-series = 作品
form-aliases = 其他名字，用逗号分隔

learnt-right = 学会了：这是 { $name }（现在有 { $count } 张样本）。
learnt-wrong = 我不会再把这张脸认成 { $name }。
learnt-nothing = 这里没有什么可学的：我说的角色已经不在了，或者在共享图库里。请告诉我这是谁。
knew = 我已经有 { $name } 的这张图片。
button-undo = 撤销
undone = 已撤销：{ $change }

## 为什么

why-this-face = 这张脸
why-same-picture = 同一张图片
why-alike = 非常像
why-less-alike = 不太像
why-known = 这张脸和我学过的 { $count } 张样本中最接近的一张非常像，所以我说是 { $name }。
why-unsure = 最像的是 { $name }，但 { $other } 也差不多，所以我不确定。
why-doubted = 最像的是 { $name }，但有人说过类似的脸不是，所以我不确定。
why-unknown = 我认识的人里最接近的是 { $name }，但还不够像。
why-nobody-enrolled = 还没有录入任何角色，所以我说不出名字。

## 审核

review-none = 没有需要审核的内容。
review-done = 这是最后一条。
review-refused = 已拒绝，没有做任何更改。
review-right = { $who } 说：这是 { $right }。
review-instead = { $who } 说：这是 { $right }，不是 { $wrong }。
review-wrong = { $who } 说：这不是 { $wrong }。
review-count = 还有 { $count } 条。
button-accept = 接受
button-refuse = 拒绝
button-skip = 跳过
button-next-review = 下一条（共 { $count } 条）

## 日志频道

log-change = { $who }：{ $change }
log-undo = （撤销编号：{ $numbers }）
log-setting = { $who } 更改了“{ $setting }”：{ $value }
log-review = { $who } 对一个回答提出了意见。可以教我的人可用审核命令决定。
