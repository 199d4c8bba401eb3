namespace PyResolve.Server.Tests.Billing;

/// <summary>In the portal that <c>stripe setup</c> makes, every plan is paid for as long as it was there to be used.</summary>
public sealed class PortalMoneyTests
{
    private static readonly int[] Days = [4, 13, 22];
    private static readonly PortalOffer Pro = new("Pro", 1900);
    private static readonly PortalOffer Team = new("Team", 4900);
    private static readonly PortalOffer Unlimited = new("Unlimited", 9900);

    /// <summary>Seats and years: the greater of two may cost less a month.</summary>
    private static readonly PortalOffer[] Seats =
    [
        new("Team", 1500), new("Team", 1500, Seats: 4), new("Scale", 9900), new("Team", 15000, "year", Seats: 2),
    ];

    private static readonly PortalOffer[] ManySeats = [.. Seats, new("Scale", 9900, Seats: 3), new("Scale", 99000, "year")];

    [Fact]
    public Task Twelve_months_of_three_changes_each_cost_what_was_used_in_whatever_order() =>
        ChangeForAYearAsync([Pro, Team, Unlimited]);

    [Fact]
    public Task Years_and_seats_cost_what_was_used_in_whatever_order() => ChangeForAYearAsync(Scale.Pick(Seats, ManySeats));

    [Fact]
    public async Task The_latest_choice_counts_at_the_end_of_the_month()
    {
        await using var shop = await PortalShop.OpenAsync([Pro, Team, Unlimited]);
        var customer = shop.Subscribe(Pro);
        foreach (var offer in (PortalOffer[])[Unlimited, Team, Pro])
            await shop.ChooseAsync(customer, offer);

        shop.AdvanceTo(shop.Now.AddMonths(1).AddSeconds(1));

        (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(Pro));
        // Pro, the step to Unlimited, and the next month of Pro.
        (await shop.ReadPaidAsync(customer)).ShouldBe(1900 + 8000 + 1900);
    }

    [Fact]
    public async Task More_seats_are_billed_at_once_and_fewer_at_the_end_of_the_month()
    {
        var (one, four) = (Seats[0], Seats[1]);
        await using var shop = await PortalShop.OpenAsync(Seats);
        var customer = shop.Subscribe(one);

        await shop.ChooseAsync(customer, four);
        await shop.ChooseAsync(customer, one);
        (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(four));
        shop.AdvanceTo(shop.Now.AddMonths(1).AddSeconds(1));

        (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(one));
        (await shop.ReadPaidAsync(customer)).ShouldBe(1500 + (3 * 1500) + 1500);
    }

    [Fact]
    public async Task A_greater_choice_during_a_trial_ends_it_and_is_paid_at_once()
    {
        await using var shop = await PortalShop.OpenAsync(Seats);
        foreach (var (offer, price) in new[] { (Seats[1], 4 * 1500), (Seats[2], 9900), (Seats[3], 2 * 15_000) })
        {
            var customer = shop.Subscribe(Seats[0], trialDays: 14);
            shop.AdvanceTo(shop.Now.AddDays(3));

            await shop.ChooseAsync(customer, offer);

            (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(offer));
            (await shop.ReadPaidAsync(customer)).ShouldBe(price);
            shop.AdvanceTo(shop.Now.AddDays(25));
            (await shop.ReadPaidAsync(customer)).ShouldBe(price, offer.ToString());
        }
    }

    [Fact]
    public async Task A_lesser_choice_during_a_trial_waits_for_its_end()
    {
        await using var shop = await PortalShop.OpenAsync([Pro, Team, Unlimited]);
        var customer = shop.Subscribe(Team, trialDays: 14);

        await shop.ChooseAsync(customer, Pro);

        (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(Team));
        (await shop.ReadPaidAsync(customer)).ShouldBe(0);
        shop.AdvanceTo(shop.Now.AddDays(14).AddSeconds(1));
        (await shop.ReadItemAsync(customer)).ShouldBe(shop.ItemOf(Pro));
        (await shop.ReadPaidAsync(customer)).ShouldBe(1900);
    }

    /// <summary>One payer for each order of three choices, who repeats it in each of twelve months.</summary>
    private static async Task ChangeForAYearAsync(PortalOffer[] offers)
    {
        await using var shop = await PortalShop.OpenAsync(offers);
        var start = shop.Now;
        var payers = Orders(offers).Select(order => new PortalPayer(shop.Subscribe(offers[0]), order, offers[0], start)).ToList();

        for (var month = 0; month < 12; month++)
        {
            for (var change = 0; change < Days.Length; change++)
            {
                shop.AdvanceTo(start.AddMonths(month).AddDays(Days[change]));
                foreach (var payer in payers)
                    await ChangeAsync(shop, payer, payer.Order[change]);
            }

            shop.AdvanceTo(start.AddMonths(month + 1).AddSeconds(-1));
            foreach (var payer in payers)
            {
                payer.Advance(shop.Now);
                (await shop.ReadItemAsync(payer.Customer)).ShouldBe(shop.ItemOf(payer.Current), $"{payer.Name} in month {month + 1}");
            }
        }

        foreach (var payer in payers)
        {
            var paid = await shop.ReadPaidAsync(payer.Customer);
            // Stripe rounds each part of a period to a cent.
            Math.Abs(paid - payer.UsedAndAhead).ShouldBeLessThan(
                12 * Days.Length, $"{payer.Name}: paid {paid}, used {payer.Used:0.00}, and ahead {payer.UsedAndAhead - payer.Used:0.00}");
        }
    }

    private static async Task ChangeAsync(PortalShop shop, PortalPayer payer, PortalOffer wanted)
    {
        payer.Advance(shop.Now);
        if (wanted != payer.Current)
            await shop.ChooseAsync(payer.Customer, wanted);
        else if (payer.WaitsForChange)
            await shop.KeepAsync(payer.Customer);
        payer.Choose(wanted, shop.Now);
    }

    private static IEnumerable<PortalOffer[]> Orders(IReadOnlyList<PortalOffer> offers) =>
        from first in offers from second in offers from third in offers
        select (PortalOffer[])[first, second, third];
}
