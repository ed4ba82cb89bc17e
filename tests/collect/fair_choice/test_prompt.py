"""A fair prompt passes in every language; each fault is found by itself, and all together."""

# ruff: noqa: RUF001  (Arabic digits are no Latin letters)

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from reciprocity.collect.fair_choice import AskedPurpose, Fault, check_prompt
from reciprocity.collect.fair_choice.finding import MEANING
from reciprocity.collect.fair_choice.markup import MOST_CHARACTERS, read_markup
from reciprocity.errors import InputError
from tests.collect.fair_choice.pages import ASKED, LANGUAGES, codes, fair, unfair

UNFAIR = set(
    """
    absolute_claim anonymity_claimed approval_claimed benefit_not_owed bundled channel_missing
    conditional control_disabled controller_missing data_missing data_not_told double_negative
    focus_preset hard_to_read hidden_yes implied_yes kinds_differ label_misleads label_missing
    language_differs law_claimed negated no_farther notice_missing preticked pressing
    recipient_missing retention_missing shaming sharing_denied third_party withdrawal_missing
    yes_by_get yes_repeated yes_required
    """.split()
)
NO = '<button name="answer" value="no">No, to all of it</button>'
YES = '<button name="answer" value="yes">Yes, to what I ticked</button>'
OFFERS = '<input type="checkbox" name="purpose" value="offers">'
NOTICE = '<input type="hidden" name="notice" value="9f2c41d0">'
LAST = "</form>"


def more(html: str) -> tuple[str, str]:
    """A change that adds *html* at the end of the form."""
    return LAST, html + LAST


# One change to the fair English page, and the one fault that comes of it.
PAIRS: list[tuple[str, str, str]] = [
    ("unreadable", "</h1>", "</h2>"),
    ("unreadable", "<main>\n<h1", '<main title=a"b>\n<h1'),
    ("unreadable", "<h1>", "<h1>L\N{CYRILLIC SMALL LETTER A}st chance. "),
    ("language_differs", 'lang="en"', 'lang="de"'),
    ("language_differs", ' lang="en"', ""),
    ("yes_missing", YES, "<button>Send</button>"),
    ("no_missing", NO, "<button>Later</button>"),
    ("no_hidden", '<button name="answer" value="no"', '<button hidden name="answer" value="no"'),
    ("no_hidden", 'value="no">', 'value="no" style="opacity: 0">'),
    ("no_farther", NO, f"<details><summary>More</summary>{NO}</details>"),
    ("no_farther", 'value="no">', 'value="no" aria-haspopup="dialog">'),
    ("kinds_differ", NO, '<a href="/no" data-answer="no">No, to all of it</a>'),
    ("no_farther", 'value="no">', 'value="no" onclick="return confirm(1)">'),
    ("kinds_differ", 'value="no">', 'value="no" type="reset">'),
    ("yes_repeated", YES, YES + YES),
    ("label_missing", *more('<input type="checkbox" name="purpose" value="x">')),
    ("label_missing", *more('<textarea name="more"></textarea>')),
    ("label_missing", ">Yes, to what I ticked<", '><img src="/yes.png" alt=""><'),
    ("label_misleads", ">Yes, to what I ticked<", ">Continue<"),
    ("label_misleads", ">No, to all of it<", ">Maybe later<"),
    ("label_misleads", ">No, to all of it<", ">Yes, later<"),
    ("label_misleads", 'value="no">', 'value="no" aria-label="Yes">'),
    ("preticked", OFFERS, OFFERS[:-1] + " checked>"),
    ("preticked", OFFERS, OFFERS[:-1] + ' aria-checked="true">'),
    ("preticked", *more('<label>Post <select name="x"><option>Yes</option>'
                        "<option>No</option></select></label>")),
    ("preticked", *more('<fieldset><legend>Post</legend><label><input type="radio" name="post" '
                        'value="1" checked> Yes</label><label><input type="radio" name="post" '
                        'value="0"> No</label></fieldset>')),
    ("hidden_yes", NOTICE, NOTICE + '<input type="hidden" name="purpose" value="news">'),
    ("hidden_yes", NOTICE, NOTICE + '<input type="hidden" name="answer" value="yes">'),
    ("bundled", "> Offers by e-mail<", "> Offers and News from the tea garden by e-mail<"),
    ("bundled", f"<label>{OFFERS} Offers by e-mail</label>", "<p>Offers by e-mail</p>"),
    ("yes_required", OFFERS, OFFERS[:-1] + " required>"),
    ("yes_required", OFFERS, OFFERS[:-1] + ' aria-required="true">'),
    ("control_disabled", 'value="no">', 'value="no" disabled>'),
    ("control_disabled", "<fieldset>", "<fieldset disabled>"),
    ("focus_preset", 'value="yes">', 'value="yes" autofocus>'),
    ("focus_preset", OFFERS, OFFERS[:-1] + " autofocus>"),
    ("yes_by_get", 'method="post"', 'method="get"'),
    ("yes_by_get", 'value="yes">', 'value="yes" formmethod="get">'),
    ("notice_missing", NOTICE, ""),
    ("notice_missing", 'value="9f2c41d0"', 'value=" "'),
    ("third_party", "</main>", '<img src="https://count.example/1.gif" alt=""></main>'),
    ("third_party", "</main>", '<script src="//count.example/1.js"></script></main>'),
    ("third_party", "</style>", "body { background: url(https://a.example/x.png); }</style>"),
    ("third_party", "</style>", "@import 'https://a.example/x.css';</style>"),
    ("third_party", "</style>", "body { background: u\\72l(https://a.example/x); }</style>"),
    ("third_party", "</main>", '<img src="/&#10;\\a.example/x.png" alt=""></main>'),
    ("third_party", "</main>", '<img src="https:/a.example/x.png" alt=""></main>'),
    ("third_party", 'action="/opt-in"', 'action="https://collect.example/opt-in"'),
    ("third_party", "<main>", '<main style="background: url(\'//a.example/x.png\')">'),
    ("controller_missing", "Tea House Ltd asks", "We ask"),
    ("controller_missing", "<p>Tea House Ltd asks.", "<p><i hidden>Tea House Ltd</i> We ask."),
    ("data_missing", " and your birthday month", ""),
    ("recipient_missing", "Post Partner GmbH sends", "Somebody sends"),
    ("retention_missing", "for two years after your last order", "for some time"),
    ("withdrawal_missing", "You can take it back in one click", "It is up to you"),
    ("data_not_told", *more('<label>Your income <input name="income"></label>')),
    ("data_not_told", *more('<label>Size <select name="s"><option>S</option></select></label>')),
    ("benefit_not_owed", "10 % off", "12 % off"),
    ("benefit_not_owed", "of tea.", "of tea, and €5."),
    ("benefit_not_owed", "of tea.", "of tea, and 5 euros."),
    ("benefit_not_owed", "of tea.", "of tea, and a voucher."),
    ("sharing_denied", "sends the mail for us", "sends the mail for us, we never share it"),
    ("anonymity_claimed", "We keep them", "We keep them anonymously"),
    ("law_claimed", "We keep them", "As required by law we keep them"),
    ("approval_claimed", "<p>We keep them", "<p>We are GDPR-certified. We keep them"),
    ("absolute_claim", "<p>We keep them", "<p>It is 100% safe. We keep them"),
    ("shaming", "No, to all of it", "No, I don&rsquo;t like saving money"),
    ("pressing", "<h1>May we", "<h1>Last <b>chan&shy;ce</b>. May we"),
    ("pressing", "<title>May we", "<title>Hurry! May we"),
    ("pressing", "<main>", '<main><p role="timer">04:59</p>'),
    ("pressing", '<meta charset="utf-8">', '<meta http-equiv="refresh" content="9">'),
    ("pressing", 'autocomplete="email"', 'autocomplete="email" placeholder="Only today"'),
    ("conditional", "<p>Tea", "<p>To continue, you must say yes. Tea"),
    ("implied_yes", "<p>Tea", "<p>By using our site you agree to it. Tea"),
    ("negated", "Offers by e-mail<", "I do not want Offers by e-mail<"),
    ("negated", "What may we send you?", "Untick if you do not want it"),
    ("double_negative", "Offers by e-mail<", "I do not want to get no Offers by e-mail<"),
    ("double_negative", "<p>Tea", "<p>Do not tick it if you do not want it. Tea"),
    ("hard_to_read", "<p>We keep", f"<p>{'And we do so and ' * 9}so on. We keep"),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_found_on_a_fair_prompt(language: str):
    assert check_prompt(fair(language), language=language, asked=ASKED[language]) == ()


def test_on_an_unfair_prompt_every_one_of_its_faults_is_found():
    assert len(UNFAIR) == 35
    assert codes(unfair()) == UNFAIR


@pytest.mark.parametrize(("code", "was", "becomes"), PAIRS, ids=lambda text: text[:24])
def test_one_change_brings_one_fault(code: str, was: str, becomes: str):
    assert fair().count(was) == 1
    assert codes(fair().replace(was, becomes)) == {code}


def test_a_purpose_or_channel_that_is_not_told_is_missing():
    told = ASKED["en"].purposes
    post = replace(
        ASKED["en"], purposes=(replace(told[0], channels=("e-mail", "text message")), told[1])
    )
    assert codes(fair(), asked=post) == {"channel_missing"}
    one = replace(ASKED["en"], purposes=(AskedPurpose(title="Events", channels=("e-mail",)),))
    assert codes(fair(), asked=one) == {"purpose_missing"}


def test_one_purpose_needs_no_box_of_its_own():
    html = fair().replace('<label><input type="checkbox" name="purpose" value="offers">', "<p>")
    html = html.replace("Offers by e-mail</label>", "Offers by e-mail</p>")
    html = html.replace('<input type="checkbox" name="purpose" value="news">', "")
    html = html.replace(NOTICE, NOTICE + '<input type="hidden" name="purpose" value="offers">')
    html = html.replace("Yes, to what I ticked", "Yes, please")
    assert codes(html, asked=replace(ASKED["en"], purposes=ASKED["en"].purposes[:1])) == set()


def test_sharing_may_be_denied_where_nobody_else_gets_the_data():
    html = fair().replace("Post Partner GmbH sends the mail for us.", "We never share them.")
    assert codes(html, asked=replace(ASKED["en"], recipients=())) == set()
    assert codes(html) == {"recipient_missing", "sharing_denied"}


def test_what_comes_from_the_site_itself_is_at_home():
    html = fair().replace("</main>", '<img src="https://tea.example/leaf.png" alt=""></main>')
    asked = ASKED["en"]
    assert check_prompt(html, language="en", asked=asked, origin="https://tea.example") == ()
    (found,) = check_prompt(html, language="en", asked=asked)
    assert found.code is Fault.THIRD_PARTY


def test_a_link_to_read_more_fetches_nothing():
    assert (
        codes(fair().replace("</main>", '<a href="https://law.example/">GDPR</a></main>')) == set()
    )


def test_a_group_that_is_set_to_no_is_fair():
    group = (
        '<fieldset><legend>Offers by e-mail</legend><label><input type="radio" name="o" value="1">'
        ' Yes</label><label><input type="radio" name="o" value="0" checked required> No</label>'
        "</fieldset>"
    )
    assert codes(fair().replace(f"<label>{OFFERS} Offers by e-mail</label>", group)) == set()


# One change to the fair page of another language, and the one fault that comes of it.
ABROAD = [
    ("de", "shaming", "Nein, zu allem", "Nein, ich zahle lieber den vollen Preis"),
    ("de", "pressing", "<h1>", "<h1>Nur heute! "),
    ("de", "conditional", "<h1>", "<h1>Um fortzufahren, müssen Sie wählen. "),
    ("de", "implied_yes", "<h1>", "<h1>Schweigen gilt als Ja. "),
    ("de", "negated", " Angebote per", " Ich möchte keine Angebote per"),
    ("de", "double_negative", " Angebote per", " Ich will nicht auf Angebote verzichten per"),
    ("de", "sharing_denied", "<p>Wir behalten", "<p>Wir geben sie nicht weiter. Wir behalten"),
    ("de", "anonymity_claimed", "<p>Wir behalten", "<p>Alles bleibt anonym. Wir behalten"),
    ("de", "law_claimed", "<p>Wir", "<p>Das ist gesetzlich vorgeschrieben. Wir"),
    ("de", "approval_claimed", "<p>Wir", "<p>Wir sind DSGVO-zertifiziert. Wir"),
    ("de", "absolute_claim", "<p>Wir", "<p>Das ist absolut sicher. Wir"),
    ("de", "benefit_not_owed", "10 % Rabatt", "15 Prozent Rabatt"),
    ("de", "benefit_not_owed", "nächsten Tee.", "nächsten Tee, dazu ein Geschenk."),
    ("de", "label_misleads", ">Nein, zu allem<", ">Vielleicht später<"),
    ("de", "hard_to_read", "<p>Wir behalten",
     "<p>" + "Datenschutzrechtliche Einwilligungserklärungen erfordern umfangreiche "
     "Dokumentationsverpflichtungen verantwortlicher Unternehmensorganisationen. " * 8
     + "Wir behalten"),
    ("ar", "shaming", "لا، لكل ذلك", "لا، أفضّل دفع السعر الكامل"),
    ("ar", "pressing", "<h1>", "<h1>الفرصة الأخيرة. "),
    ("ar", "pressing", "<h1>", "<h1>العَرض اليَوم فقط. "),
    ("ar", "conditional", "<h1>", "<h1>للمتابعة يجب أن تختار. "),
    ("ar", "implied_yes", "<h1>", "<h1>السكوت موافقة. "),
    ("ar", "negated", " العروض عبر", " لا أريد العروض عبر"),
    ("ar", "double_negative", " العروض عبر", " لا أريد عدم العروض عبر"),
    ("ar", "sharing_denied", "<p>نحتفظ", "<p>ولن نشاركها. نحتفظ"),
    ("ar", "anonymity_claimed", "<p>نحتفظ", "<p>وتبقى مجهولة الهوية. نحتفظ"),
    ("ar", "law_claimed", "<p>نحتفظ", "<p>وهذا يفرضه القانون. نحتفظ"),
    ("ar", "approval_claimed", "<p>نحتفظ", "<p>وهو معتمد رسميًّا. نحتفظ"),
    ("ar", "absolute_claim", "<p>نحتفظ", "<p>وهو آمن تمامًا. نحتفظ"),
    ("ar", "benefit_not_owed", "١٠٪", "٢٠٪"),
    ("ar", "benefit_not_owed", "طلبك القادم.", "طلبك القادم، وهدية."),
    ("ar", "label_misleads", ">لا، لكل ذلك<", ">ربما لاحقا<"),
    ("ar", "hard_to_read", "<p>نحتفظ", "<p>" + "ونكتب إليك " * 20 + ". نحتفظ"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "code", "was", "becomes"), ABROAD)
def test_one_change_brings_one_fault_in_other_languages(
    language: str, code: str, was: str, becomes: str
):
    assert fair(language).count(was) >= 1
    assert codes(fair(language).replace(was, becomes, 1), language) == {code}


HARMLESS = {
    "en": """
        We write only if you say yes. Nothing changes. If you say no, you lose nothing.
        GDPR requires us to ask you. We send nothing unless you agree. You can opt out at any time.
        You can untick it whenever you like. We never send more than four e-mails a month.
        Your team can read it first. We do not sell what you tell us. A no needs no reason.
        Without your consent we cannot send you offers. Today we ask you once. Feel free to ask us.
    """,
    "de": """
        Wir schreiben nur, wenn Sie Ja sagen. Sie verlieren nichts. Ein Nein hat keine Folgen.
        Die DSGVO verlangt, dass wir fragen. Sie können sich jederzeit abmelden.
        Sie müssen sich dafür nicht abmelden. Sie bekommen nicht mehr als vier Mails im Monat.
        Ohne Ihre Einwilligung schicken wir keine Angebote. Wir freuen uns auf Ihre Fragen.
    """,
    "ar": """
        لا يتغير شيء إذا لم توافق. نكتب إليك فقط إذا وافقت. لن تخسر شيئا إذا قلت لا.
        يمكنك التراجع في أي وقت. لا نبيع ما تخبرنا به. نرسل أربع رسائل في الشهر على الأكثر.
    """,
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_harmless_sentences_are_left_alone(language: str):
    html = fair(language).replace("<form", f"<p>{HARMLESS[language]}</p>\n<form")
    assert check_prompt(html, language=language, asked=ASKED[language]) == ()


def test_every_fault_of_a_text_has_its_pair_and_every_fault_its_meaning():
    rendered = set(
        """
        areas_differ fonts_differ contrast_low salience_differs colours_differ focus_order
        target_below_24 target_below_44 apart text_small text_faint taking_back_longer stored_early
        """.split()
    )
    apart = {"purpose_missing", "channel_missing"}  # a test of their own, above
    assert {pair[0] for pair in PAIRS} | apart == {str(fault) for fault in Fault} - rendered
    assert set(MEANING) == set(Fault)


@pytest.mark.parametrize("language", ["", "fr", "english"])
def test_a_language_without_words_is_refused(language: str):
    with pytest.raises(InputError, match="language: found"):
        check_prompt(fair(), language=language, asked=ASKED["en"])


@pytest.mark.parametrize(
    "gap",
    [
        {"purposes": ()},
        {"data": ()},
        {"controller": " "},
        {"retention": ""},
        {"recipients": ("",)},
    ],
)
def test_a_gap_in_what_must_be_told_is_refused(gap: dict[str, object]):
    with pytest.raises(InputError, match=next(iter(gap))):
        check_prompt(fair(), language="en", asked=replace(ASKED["en"], **gap))


TAGS = (
    "html body form fieldset label input button a select option details p div script style".split()
)
MARKS = [
    "",
    ' name="answer"',
    ' value="yes"',
    " checked",
    ' type="radio"',
    ' role="switch"',
    " hidden",
]
markup = st.recursive(
    st.text(max_size=8) | st.sampled_from(["Yes", "No", "<", "&amp;", "10 %", "<br>", "<!--x-->"]),
    lambda inner: st.builds(
        lambda tag, mark, parts: f"<{tag}{mark}>{''.join(parts)}</{tag}>",
        st.sampled_from(TAGS), st.sampled_from(MARKS), st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


def is_answered(html: str) -> None:
    """Whatever is given, something is found, and no error is raised."""
    for language in LANGUAGES:
        assert check_prompt(html, language=language, asked=ASKED[language])


@given(st.text(max_size=200) | st.text(alphabet="<>/!-[]\"'=& abc\n", max_size=200))
@example("<![foo[")
@example("<a b='")
@example("<p>" * 200)
@example('<input type="hidden" name="answer" value="yes">')
def test_any_text_is_answered(text: str):
    is_answered(text)


@given(markup)
def test_any_markup_is_answered(html: str):
    is_answered(html)


@given(st.sampled_from(LANGUAGES), st.data())
def test_a_prompt_that_was_cut_is_never_fair(language: str, data: st.DataObject):
    html = fair(language)
    cut = data.draw(st.integers(0, len(html) - 12))
    assert check_prompt(html[:cut], language=language, asked=ASKED[language])


@pytest.mark.parametrize(
    "piece",
    ["<a", "<a b='", "<!--", "</", "<![CDATA[", "<", "&", "<p>", "<br>", "<a b ", "a ", "yes "],
)
def test_a_long_page_takes_no_long_time(piece: str):
    html = f"<div>{piece * (MOST_CHARACTERS // len(piece) - 5)}</div>"
    began = time.process_time()
    is_answered(html)
    assert time.process_time() - began < 10


def test_a_page_that_is_too_long_is_refused():
    problem = read_markup("a" * (MOST_CHARACTERS + 1)).problem
    assert problem is not None
    assert problem.code is Fault.UNREADABLE


def test_an_answer_without_a_name_is_read_by_its_words():
    html = fair().replace('name="answer" value="no"', "").replace('name="answer" value="yes"', "")
    assert codes(html) == set()
