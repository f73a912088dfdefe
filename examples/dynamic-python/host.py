"""Lists what the component has and wants, then goes shopping."""

from component import Component, Error

PRICES = {"bread": 2.5, "milk": 1.25}


def price(item):
    if item == "fire":
        raise ValueError("no prices today")
    return PRICES.get(item)


imports = {
    "acme:shop/prices@0.1.0#price": price,
    "acme:shop/prices@0.1.0#log": lambda level, text: print(f"{level}: {text}"),
}
shop = Component("./shop.so", "shop", imports)

for title, functions in (("imports", shop.description.imports), ("exports", shop.description.exports)):
    for f in functions:
        print(title, f.path, f.wit)

checkout = getattr(shop, "acme:shop/cart@0.1.0#checkout")
print(checkout([{"item": "bread", "count": 2}, {"item": "milk", "count": 4}]))
print(checkout([{"item": "bread", "count": 1}, {"item": "gold", "count": 3}, {"item": "déjà vu", "count": 1}]))
print(checkout([]))

visitor = getattr(shop, "acme:shop/cart@0.1.0#[constructor]visitor")(41)
visit = getattr(shop, "acme:shop/cart@0.1.0#[method]visitor.visit")
print(visit(visitor), visit(visitor))
visitor.drop()
try:
    visit(visitor)
except Error as error:
    print(error)
try:
    checkout([{"item": "fire", "count": 1}])
except ValueError as error:
    print(error)
shop.close()
