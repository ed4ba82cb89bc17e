"""Prompts as files beside this one, and what the register says must stand on the fair ones."""

# ruff: noqa: RUF001  (Arabic digits are no Latin letters)

from pathlib import Path

from reciprocity.collect.fair_choice import Asked, AskedPurpose, check_prompt

HERE = Path(__file__).resolve().parent
LANGUAGES = ("en", "de", "ar")

ASKED = {
    "en": Asked(
        controller="Tea House Ltd",
        purposes=(
            AskedPurpose(title="Offers", channels=("e-mail",)),
            AskedPurpose(title="News from the tea garden", channels=("e-mail",)),
        ),
        data=("e-mail address", "birthday month"),
        recipients=("Post Partner GmbH",),
        retention="two years after your last order",
        withdrawal="You can take it back in one click",
        benefits=("10 % off your next order of tea",),
    ),
    "de": Asked(
        controller="Teehaus GmbH",
        purposes=(
            AskedPurpose(title="Angebote", channels=("E-Mail",)),
            AskedPurpose(title="Neues aus dem Teegarten", channels=("E-Mail",)),
        ),
        data=("E-Mail-Adresse", "Geburtsmonat"),
        recipients=("Post Partner GmbH",),
        retention="zwei Jahre nach dem letzten Kauf",
        withdrawal="Sie können es mit einem Klick zurücknehmen",
        benefits=("10 % Rabatt auf Ihren nächsten Tee",),
    ),
    "ar": Asked(
        controller="شركة بيت الشاي",
        purposes=(
            AskedPurpose(title="العروض", channels=("البريد الإلكتروني",)),
            AskedPurpose(title="أخبار حديقة الشاي", channels=("البريد الإلكتروني",)),
        ),
        data=("عنوان بريدك الإلكتروني", "شهر ميلادك"),
        recipients=("شركة شريك البريد",),
        retention="سنتين بعد آخر طلب",
        withdrawal="يمكنك سحب موافقتك بنقرة واحدة",
        benefits=("خصم ١٠٪ على طلبك القادم",),
    ),
}


def fair(language: str = "en") -> str:
    return (HERE / f"fair.{language}.html").read_text("utf-8")


def unfair() -> str:
    return (HERE / "unfair.html").read_text("utf-8")


def codes(html: str, language: str = "en", asked: Asked | None = None) -> set[str]:
    found = check_prompt(html, language=language, asked=asked or ASKED[language])
    return {str(finding.code) for finding in found}
