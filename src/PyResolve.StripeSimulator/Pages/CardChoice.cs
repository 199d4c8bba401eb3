namespace PyResolve.StripeSimulator.Pages;

/// <summary>Radio buttons for the result of the payment, in place of a card number.</summary>
internal static class CardChoice
{
    public static Html Fields(CardBehaviour? chosen = null, bool allowsNone = false) => $"""
        <fieldset class="cards">
        <legend>Test card</legend>
        {Card("works", "Card works", "Every payment succeeds.", chosen is null or CardBehaviour.Works)}
        {Card("declined", "Card is declined", "This payment and all others are refused.", chosen is CardBehaviour.Declined)}
        {Card("fails_on_renewal", "Fails on renewal", "Pays now, is refused at each renewal.", chosen is CardBehaviour.FailsOnRenewal)}
        {Card("settles_later", "Bank debit", "Every payment arrives after three days.", chosen is CardBehaviour.SettlesLater)}
        {Card("bounces_later", "Bank debit that bounces", "Every payment fails after three days.", chosen is CardBehaviour.BouncesLater)}
        {(allowsNone ? Card("none", "No card", "Nothing is due today.", isChosen: false) : null)}
        </fieldset>
        """;

    public static CardBehaviour? Read(IFormCollection form) => CardNames.Parse(form["card"]);

    public static string NameOf(CardBehaviour? card) => card switch
    {
        CardBehaviour.Works => "A card that works",
        CardBehaviour.Declined => "A card that is declined",
        CardBehaviour.FailsOnRenewal => "A card that fails on renewal",
        CardBehaviour.SettlesLater => "A bank account that pays after three days",
        CardBehaviour.BouncesLater => "A bank account whose payments bounce after three days",
        _ => "None",
    };

    private static Html Card(string value, string name, string meaning, bool isChosen) => $"""
        <label class="option"><input type="radio" name="card" value="{value}" required{Html.If(isChosen, " checked")}>
        <span><strong>{name}</strong><small>{meaning}</small></span></label>
        """;
}
