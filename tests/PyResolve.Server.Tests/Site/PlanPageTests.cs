using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Site;

public sealed class PlanPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Without_Stripe_the_page_says_so_and_has_nothing_to_buy(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var person = await Person.SignedInAsync(server, await servers.SignUpAsync(engine));

        var page = await person.GetAsync("/app/plan");
        var bought = await person.SendFormAsync("/app/plan/checkout", new() { ["plan"] = "pro" });

        page.Text.ShouldContain("This server is not connected to Stripe");
        page.Text.ShouldNotContain("app/plan/");
        (bought.Status, bought.ContentType).ShouldBe((503, "text/html"));
        bought.Text.ShouldContain("This server sells no subscriptions");
    }

    [Theory, OnBothEngines]
    public async Task Choosing_a_plan_leads_to_its_checkout_by_a_page_of_our_own(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await Person.SignedInAsync(billing.Own.Server, await billing.Own.SignUpAsync());

        var page = await person.GetAsync("/app/plan");
        var answer = await person.SendFormAsync("/app/plan/checkout", new() { ["plan"] = "unlimited" });

        page.Text.ShouldContain("<button name=\"interval\" value=\"month\">Choose Pro</button>");
        page.Text.ShouldContain("<button name=\"interval\" value=\"month\">Choose Unlimited</button>");
        answer.Status.ShouldBe(200, answer.Text);
        var url = billing.Stripe.Checkouts.Single().Url!;
        answer.Text.ShouldContain($"<meta http-equiv=\"refresh\" content=\"0; url={url}\">");
        answer.Text.ShouldContain($"href=\"{url}\"");
    }

    [Theory, OnBothEngines]
    public async Task Who_pays_for_something_else_is_offered_every_plan(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_support", "active", new StripePrice("price_support")));
        await billing.WaitUntilProcessedAsync();
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var page = await person.GetAsync("/app/plan");

        page.Text.ShouldContain("Choose Pro</button>");
        page.Text.ShouldNotContain("Renews on");
        page.Text.ShouldNotContain("Change to");
    }

    [Theory, OnBothEngines]
    public async Task A_subscriber_changes_and_cancels_in_the_portal(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await SubscribedAsync(billing, Subscriptions.Pro());
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var page = await person.GetAsync("/app/plan");
        var portal = await person.SendFormAsync("/app/plan/portal", []);
        var checkout = await person.SendFormAsync("/app/plan/checkout", new() { ["plan"] = "unlimited" });

        page.Text.ShouldContain("Renews on 15 November 2026.");
        page.Text.ShouldContain("Change to Unlimited</button>");
        page.Text.ShouldContain("Cancel the subscription</button>");
        foreach (var answer in (Answer[])[portal, checkout])
            answer.Text.ShouldContain($"<meta http-equiv=\"refresh\" content=\"0; url=https://portal.example/{subscriber.CustomerId}");
    }

    [Theory]
    [InlineData("past_due", "The last payment failed. The Pro plan lasts until 22 November 2026", "Update the payment method")]
    [InlineData("unpaid", "An invoice was not paid, and the plan has ended.", "Pay the invoice")]
    [InlineData("paused", "The subscription is paused", "Add a payment method")]
    [InlineData("incomplete", "The first payment did not go through", null)]
    [InlineData("active", null, null)]
    public async Task What_is_wrong_with_a_payment_is_said_with_the_one_button_that_mends_it(string status, string? text, string? button)
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var subscriber = await SubscribedAsync(billing, Subscriptions.Pro());
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro(status));
        await billing.WaitUntilProcessedAsync(subscriber.CustomerId);

        var page = await (await Person.SignedInAsync(billing.Own.Server, subscriber.Account)).GetAsync("/app/plan");

        var own = page.Text[..page.Text.IndexOf("All plans", StringComparison.Ordinal)];
        own.Contains("role=\"alert\"", StringComparison.Ordinal).ShouldBe(text is not null);
        own.ShouldContain(text ?? "Renews on");
        if (button is not null)
            own.Split("<button").Count(part => part.Contains("</button></p></form>", StringComparison.Ordinal)).ShouldBe(1, own);
        own.ShouldContain(button ?? "");
    }

    [Theory, OnBothEngines]
    public async Task The_card_for_a_paused_plan_is_asked_for_with_its_interval_and_seats(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres, settings: OwnCatalogue.SettingsForSale);
        var subscriber = await billing.SignUpAsync(plan: "team");
        var yearly = new StripePrice("price_team_year") { Recurring = new("year", "licensed") };
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "trialing", yearly).Seats(3));
        await subscriber.WaitForPlanAsync("team");
        await subscriber.SetSubscriptionsAsync(Subscriptions.Of("sub_1", "paused", yearly).Seats(3));
        await subscriber.WaitForPlanAsync("hobby");
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var page = await person.GetAsync("/app/plan");
        foreach (var (name, value) in ((string, string)[])[("plan", "team"), ("interval", "year"), ("quantity", "3")])
            page.Text.ShouldContain($"<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        await person.SendFormAsync("/app/plan/checkout", new() { ["plan"] = "team", ["interval"] = "year", ["quantity"] = "3" });

        billing.Stripe.Checkouts[^1].Url!.ShouldEndWith("?setup=sub_1");
    }

    [Fact]
    public async Task A_paused_plan_that_is_not_known_leads_to_the_plans()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var subscriber = await SubscribedAsync(billing, Subscriptions.Pro("paused"));

        var page = await (await Person.SignedInAsync(billing.Own.Server, subscriber.Account)).GetAsync("/app/plan");

        page.Text.ShouldContain("The subscription is paused: its trial ended without a payment method. Choose a plan to go on.");
        page.Text.ShouldNotContain("Add a payment method");
    }

    [Theory, OnBothEngines]
    public async Task A_plan_that_was_cancelled_says_when_it_ends_and_can_be_kept(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await SubscribedAsync(billing, Subscriptions.Pro() with { CancelAtPeriodEnd = true });

        var page = await (await Person.SignedInAsync(billing.Own.Server, subscriber.Account)).GetAsync("/app/plan");

        page.Text.ShouldContain("Ends on 15 November 2026. From then on: the Free plan. Nothing more is charged.");
        page.Text.ShouldContain(">Keep the plan</button>");
        page.Text.ShouldNotContain("Cancel the subscription");
    }

    [Theory, OnBothEngines]
    public async Task A_change_that_is_planned_says_when_it_begins(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await SubscribedAsync(
            billing, Subscriptions.Unlimited() with { NextPhase = new StripePhase(Subscriptions.PeriodEnd, ["price_pro"]) });

        var page = await (await Person.SignedInAsync(billing.Own.Server, subscriber.Account)).GetAsync("/app/plan");

        page.Text.ShouldContain("Until 15 November 2026. From then on: the Pro plan, as you chose.");
    }

    [Theory, OnBothEngines]
    public async Task While_Stripe_does_not_answer_a_form_says_so(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var person = await Person.SignedInAsync(billing.Own.Server, await billing.Own.SignUpAsync());
        billing.Stripe.FailNext(1);

        var answer = await person.SendFormAsync("/app/plan/checkout", new() { ["plan"] = "pro" });

        (answer.Status, answer.ContentType).ShouldBe((503, "text/html"));
        answer.Text.ShouldContain("Stripe does not answer. Try again shortly: nothing is charged twice.");
        answer.Text.ShouldContain("<button name=\"interval\" value=\"month\">Choose Pro</button>");
    }

    [Theory, OnBothEngines]
    public async Task Who_comes_back_from_the_checkout_before_Stripe_has_told_us_looks_again(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        var person = await Person.SignedInAsync(billing.Own.Server, subscriber.Account);

        var early = await person.GetAsync("/app/plan?from=checkout");
        billing.Stripe.Set(subscriber.CustomerId, Subscriptions.Pro());
        billing.Clock.Advance(TimeSpan.FromSeconds(6));
        var later = await person.GetAsync("/app/plan?from=checkout");

        early.Text.ShouldContain("Stripe has not told us yet that the payment arrived.");
        early.Text.ShouldContain("app/plan?from=checkout\">Look again");
        later.Text.ShouldContain("Thank you. You are on the Pro plan now.");
        later.Text.ShouldNotContain("Look again");
    }

    [Theory]
    [InlineData("success=true", "checkout", "Thank you")]
    [InlineData("success=credits", "credits", "shows the credits as soon as the payment has arrived")]
    [InlineData("canceled=true", "checkoutleft", "Nothing was bought")]
    [InlineData("managed=true", "portal", "Your changes are in effect.")]
    public async Task The_page_of_the_seed_leads_to_the_plan_and_tells_strangers_what_happened(string query, string from, string said)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var person = await Person.SignedInAsync(server, await servers.SignUpAsync(StorageEngine.Sqlite));

        var own = await person.GetAsync($"/billing?{query}");
        var strangers = await new Person(server).GetAsync($"/billing?{query}");

        (own.Status, own.Headers.Location!.OriginalString).ShouldBe((303, $"app/plan?from={from}"));
        strangers.Status.ShouldBe(200);
        strangers.Text.ShouldContain(said);
    }

    [Theory, OnBothEngines]
    public async Task A_stranger_who_chooses_a_plan_signs_up_and_comes_back_to_it(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var stranger = new Person(server);

        var pricing = await stranger.GetAsync("/pricing");
        var form = await stranger.GetAsync("/sign-up?next=app/plan");
        var signedUp = await stranger.SendFormAsync("/sign-up", new()
        {
            ["email"] = $"{Guid.CreateVersion7()}@example.com", ["password"] = TestAccount.Password, ["next"] = "app/plan",
        });

        pricing.Text.ShouldContain("href=\"sign-up?next=app/plan\">Choose Pro");
        form.Text.ShouldContain("name=\"next\" value=\"app/plan\"");
        form.Text.ShouldContain("href=\"sign-in?next=app/plan\"");
        signedUp.Text.ShouldContain("href=\"app/plan\">Go on to the plans");
        (await stranger.GetAsync("/pricing")).Text.ShouldContain("href=\"app/plan\">Choose Pro");
    }

    private static async Task<Subscriber> SubscribedAsync(BillingServer billing, StripeSubscription subscription)
    {
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(subscription);
        await billing.WaitUntilProcessedAsync(subscriber.CustomerId);
        return subscriber;
    }
}
