"""What a letter says, however its mail was made."""

from email import message_from_bytes
from email.message import EmailMessage

import pytest

from channels.email.letter import Letter, read_letter

pytestmark = pytest.mark.unit

HEAD = "From: citizen@example.com\r\nMessage-ID: <1@example.com>\r\n"


def letter_of(raw: bytes) -> Letter:
    return read_letter(message_from_bytes(raw))


def mail(body: bytes, head: str = HEAD, charset: str = "utf-8", kind: str = "text/plain") -> bytes:
    return f"{head}Content-Type: {kind}; charset={charset}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("encoded", "named"),
    [("gb18030", "gb2312"), ("gbk", "GBK"), ("gb18030", "us-ascii"), ("utf-8", "utf-8"), ("utf-8", "no-such-charset")],
)
def test_the_words_are_read_whatever_charset_the_mail_names(encoded: str, named: str) -> None:
    said = "小区停水三天，物业经理叫朱镕。"  # 镕 is in GBK and not in GB 2312.
    assert letter_of(mail(said.encode(encoded), charset=named)).text == said


@pytest.mark.parametrize(
    "subject",
    [b"=?gb2312?B?w7vT0MuuwcvR?=", "没有水了".encode("gbk"), "没有水了".encode(), b"=?utf-8?B?5rKh5pyJ5rC05LqG?="],
    ids=["GB in base 64, broken", "bare GBK", "bare UTF-8", "UTF-8 in base 64"],
)
def test_a_subject_is_read_that_no_standard_allows(subject: bytes) -> None:
    raw = HEAD.encode() + b"Subject: " + subject + b"\r\n\r\nx"
    assert letter_of(raw).subject.startswith("没有水了")


def test_a_letter_in_html_alone_is_read_as_text() -> None:
    html = "<style>p{color:red}</style><p>没水了</p><p>第三天<br>还是没有</p><script>alert(1)</script>"
    assert letter_of(mail(html.encode(), kind="text/html")).text == "没水了\n\n第三天\n还是没有"


def test_files_and_mails_that_hang_on_a_letter_are_no_words_of_it() -> None:
    made = EmailMessage()
    made["From"] = "张先生 <Citizen@Example.com>"
    made.set_content("见照片")
    made.add_alternative("<p>见照片</p>", subtype="html")
    made.add_attachment(b"\xff\xd8", maintype="image", subtype="jpeg", filename="井盖.jpg")
    made.add_attachment("笔记", filename="a.txt")
    inner = EmailMessage()
    inner.set_content("别人写的")
    made.add_attachment(inner)
    letter = letter_of(made.as_bytes())
    assert (letter.sender, letter.name, letter.text) == ("citizen@example.com", "张先生", "见照片")
    assert [(file.name, file.media_type) for file in letter.attachments] == [
        ("井盖.jpg", "image/jpeg"),
        ("a.txt", "text/plain"),
        ("", "message/rfc822"),
    ]
    assert "别人写的".encode() in letter.attachments[2].content or b"5Yir5Lq65YaZ55qE" in letter.attachments[2].content


@pytest.mark.parametrize(
    "quoted",
    [
        '------------------ 原始邮件 ------------------\n发件人: "12345" <a@b>;\n主题: 已登记\n\n您的来信',
        '在 2026-11-24 09:30:00，"12345" <hotline@example.gov.cn> 写道：\n\n> 您的来信',
        "12345热线 <hotline@example.gov.cn> 于2026年11月24日周二 09:30写道：\n\n> 您的来信",
        "---- 回复的原邮件 ----\n| 发件人 | hotline<h@x> |\n您的来信",
        "On Tue, Nov 24, 2026 at 9:30 AM 12345 <hotline@example.gov.cn> wrote:\n\n> 您的来信",
        "> 您的来信\n> 工单号",
        "发自我的iPhone",
        "-- \n王小姐\n13871234567",
    ],
    ids=["QQ", "163", "Gmail", "NetEase", "Gmail in English", "bare", "telephone", "signature"],
)
def test_of_an_answer_only_the_new_words_count(quoted: str) -> None:
    assert letter_of(mail(f"还是没有水。\n第二行\n\n{quoted}\n".encode())).own_words == "还是没有水。\n第二行"


@pytest.mark.parametrize("body", ["> 全部是引用\n> 第二行", "1. 没水\n- 三天了\n- 没人管"])
def test_words_are_never_cut_down_to_nothing(body: str) -> None:
    assert letter_of(mail(body.encode())).own_words == body


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "List-Id: <news.example.com>",
        "Return-Path: <>",
        "Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSNOiDmiJHkvJHlgYfkuoY=?=",
        "Content-Type: multipart/report; boundary=x",
    ],
)
def test_what_a_machine_wrote_is_known_as_such(header: str) -> None:
    assert letter_of(f"{HEAD}{header}\r\n\r\nx".encode()).automatic
    assert not letter_of(f"{HEAD}Auto-Submitted: no\r\n\r\nx".encode()).automatic


def test_what_our_server_found_of_the_sender_is_told_and_not_what_the_mail_says_of_itself() -> None:
    ours = "Authentication-Results: mx.gov.cn; spf=pass smtp.mailfrom=example.com; dkim=fail\r\n"
    forged = "Authentication-Results: mx.gov.cn; dkim=pass\r\n"
    assert letter_of(f"{ours}{forged}{HEAD}\r\nx".encode()).authentication == "spf=pass dkim=fail"
    assert letter_of(f"{HEAD}\r\nx".encode()).authentication == "none"


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"From: <>\r\n\r\n", b"From: a\r\n b\r\nMessage-ID: none\r\n\r\n\0"])
def test_a_mail_that_says_nothing_is_still_a_letter(raw: bytes) -> None:
    letter = letter_of(raw)
    assert (letter.sender, letter.text) == (None, "")
    assert len(letter.id) == 64
