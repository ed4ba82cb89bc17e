from datetime import date
from pathlib import Path

from reciprocity import Reciprocity, check_receipt
from reciprocity.brand import starter
from reciprocity.consent.draft import grant, withdraw
from reciprocity.consent.prefer import Preferences, prefer
from reciprocity.vault.people import register

if Path("shop").exists() or Path("harbour-vale-safekeeping").exists():
    raise SystemExit("shop was made here before: run this in a new, empty folder")

for path, text in starter("Harbour & Vale", date.today()).items():
    file = Path("shop") / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)

with Reciprocity.create("shop") as shop:  # makes the keys, opens the log
    shop.apply("operator:anna")  # puts the brand file in force
    new = register(shop.journal, shop.brand.statement, actor="operator:anna",
                   addresses={"email": "ben@example.com"}, confirmed=True)  # fmt: skip
    ben, wanted = new.slot, Preferences(topics={"bread": 2}, quiet=(0, 0))
    shop.act(ben, lambda: grant(shop.saying("person", "web"), ["offers"]))
    shop.act(ben, lambda: prefer(shop.saying("person", "web"), wanted))
    print(shop.send("spring", "operator:anna"))  # one mail in shop/maildir
    wishes = shop.journal.kept(ben).standing.wishes
    _, receipt = shop.act(ben, lambda: withdraw(shop.saying("person", "web"), wishes))
    check_receipt(receipt, shop.journal.verifier())  # raises if anything was changed
    print(shop.send("spring", "operator:anna").refused, shop.audit().breaches)
