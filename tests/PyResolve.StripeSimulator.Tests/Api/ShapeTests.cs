using System.Net;
using PyResolve.StripeSimulator.Objects;
using Stripe;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>The shape of answers: pages, expansion, and older API versions.</summary>
public sealed class ShapeTests : IAsyncLifetime
{
    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Stripe_net_reads_lists_to_their_end()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => _stage.Simulation.AddCustomer()).Reverse().ToList();

        var all = await _stage.Stripe.Customers.ListAutoPagingAsync(
            new() { Limit = 2 }, cancellationToken: TestContext.Current.CancellationToken)
            .Select(static customer => customer.Id).ToListAsync(TestContext.Current.CancellationToken);

        all.ShouldBe(ids);
    }

    [Fact]
    public async Task Lists_are_paged_forwards_and_backwards_by_cursor()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => _stage.Simulation.AddCustomer()).Reverse().ToList();

        var first = (await _stage.Api.GetAsync("/v1/customers?limit=2")).Ok();
        var second = (await _stage.Api.GetAsync($"/v1/customers?limit=2&starting_after={ids[1]}")).Ok();
        var last = (await _stage.Api.GetAsync($"/v1/customers?limit=2&starting_after={ids[3]}")).Ok();
        var back = (await _stage.Api.GetAsync($"/v1/customers?limit=2&ending_before={ids[4]}")).Ok();

        Ids(first).ShouldBe(ids[..2]);
        Ids(second).ShouldBe(ids[2..4]);
        Ids(last).ShouldBe(ids[4..]);
        Ids(back).ShouldBe(ids[2..4]);
        new[] { first, second, last, back }.Select(static page => page["has_more"].GetBoolean()).ShouldBe([true, true, false, true]);
    }

    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(2, 2, 1)]
    [InlineData(3, 2, 2)]
    [InlineData(4, 2, 2)]
    [InlineData(5, 2, 3)]
    [InlineData(100, 100, 1)]
    [InlineData(101, 100, 2)]
    public async Task A_list_whose_last_page_is_exactly_full_ends_there_in_both_directions(int count, int limit, int pages)
    {
        var ids = Enumerable.Range(0, count).Select(_ => _stage.Simulation.AddCustomer()).Reverse().ToList();

        var forwards = await PagesAsync(limit, static page => $"&starting_after={page[^1]}");
        var backwards = await PagesAsync(limit, static page => $"&ending_before={page[0]}", $"&ending_before={ids[^1]}");

        forwards.SelectMany(static page => page).ShouldBe(ids);
        forwards.Count.ShouldBe(pages);
        Enumerable.Reverse(backwards).SelectMany(static page => page).ShouldBe(ids[..^1]);
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("starting_after=cus_nobody", "starting_after")]
    [InlineData("starting_after=a&ending_before=b", "ending_before")]
    public async Task Invalid_cursors_and_limits_are_refused(string query, string param)
    {
        var refused = await _stage.Api.GetAsync($"/v1/customers?{query}");

        (refused.Status, refused.ErrorParam).ShouldBe((400, param));
    }

    [Fact]
    public async Task Expanded_objects_replace_their_ids()
    {
        var subscription = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer("ada@example.com"), _stage.Pro);

        var answer = (await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}?expand[]=customer&expand[]=items.data.price.product"))
            .Ok();
        var tooDeep = await _stage.Api.GetAsync("/v1/subscriptions?expand[]=data.items.data.price.product");
        var noObject = await _stage.Api.GetAsync($"/v1/subscriptions/{subscription}?expand[]=status");

        answer.At("customer.email").GetString().ShouldBe("ada@example.com");
        answer.At("items.data.0.price.product.name").GetString().ShouldBe("PyResolve Pro");
        tooDeep.Status.ShouldBe(400);
        noObject.Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("2023-08-16", true)]
    [InlineData("2025-02-24.acacia", true)]
    [InlineData("2025-03-31.basil", false)]
    [InlineData("2026-07-29.dahlia", false)]
    public async Task Periods_are_where_the_version_has_them(string version, bool onSubscription)
    {
        var subscription = _stage.Simulation.Subscribe(_stage.Simulation.AddCustomer(), _stage.Pro);
        using var api = new StripeCaller(_stage.Host.Address, version: version);

        var answer = (await api.GetAsync($"/v1/subscriptions/{subscription}?expand[]=latest_invoice")).Ok();

        answer.Header("Stripe-Version").ShouldBe(version);
        answer.Json.TryGetProperty("current_period_end", out _).ShouldBe(onSubscription);
        answer.At("items.data.0").TryGetProperty("current_period_end", out _).ShouldBe(!onSubscription);
        answer["latest_invoice"].TryGetProperty("subscription", out _).ShouldBe(onSubscription);
        answer["latest_invoice"].TryGetProperty("parent", out _).ShouldBe(!onSubscription);
    }

    [Fact]
    public async Task An_invalid_version_is_refused()
    {
        using var api = new StripeCaller(_stage.Host.Address, version: "latest");

        (await api.GetAsync("/v1/customers")).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("", new[] { "active" })]
    [InlineData("status=all", new[] { "active", "canceled" })]
    [InlineData("status=ended", new[] { "canceled" })]
    [InlineData("status=canceled", new[] { "canceled" })]
    [InlineData("status=past_due", new string[0])]
    public async Task Subscriptions_are_listed_by_status_and_without_canceled_ones_by_default(string query, string[] statuses)
    {
        var customer = _stage.Simulation.AddCustomer();
        _stage.Simulation.Subscription(_stage.Simulation.Subscribe(customer, _stage.Pro)).Cancel();
        _stage.Simulation.Subscribe(customer, _stage.Unlimited);

        var list = (await _stage.Api.GetAsync($"/v1/subscriptions?{query}")).Ok();

        list.Data.Select(static subscription => subscription.GetProperty("status").GetString()).ShouldBe(statuses, ignoreOrder: true);
    }

    [Fact]
    public async Task More_than_ten_items_are_paged()
    {
        var customer = _stage.Simulation.AddCustomer();
        var prices = Enumerable.Range(0, 12).Select(index => _stage.Simulation.AddPrice($"Add-on {index}", 100)).ToList();
        var subscription = _stage.Simulation.Subscribe(customer, _stage.Pro);
        _stage.Simulation.Subscription(subscription).Set(new SubscriptionEdit { Prices = prices });

        var cancellation = TestContext.Current.CancellationToken;
        var shown = await _stage.Stripe.Subscriptions.GetAsync(subscription, cancellationToken: cancellation);
        var all = await _stage.Stripe.SubscriptionItems.ListAsync(
            new() { Subscription = subscription, Limit = 100 }, cancellationToken: cancellation);

        (shown.Items.Data.Count, shown.Items.HasMore).ShouldBe((10, true));
        all.Data.Count.ShouldBe(12);
    }

    [Fact]
    public async Task A_customer_is_found_by_metadata_but_not_within_the_first_minute()
    {
        (await _stage.Api.PostAsync("/v1/customers", "metadata[user_id]=7")).Ok();
        const string search = "/v1/customers/search?query=metadata['user_id']:'7'";

        var tooSoon = (await _stage.Api.GetAsync(search)).Ok();
        _stage.Simulation.Advance(TimeSpan.FromMinutes(2));
        var later = (await _stage.Api.GetAsync(search)).Ok();

        tooSoon.Data.ShouldBeEmpty();
        later.Data.Count.ShouldBe(1);
        later["next_page"].ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
    }

    [Fact]
    public async Task A_lookup_key_moves_only_on_request()
    {
        var product = (await _stage.Stripe.Prices.GetAsync(_stage.Pro, cancellationToken: TestContext.Current.CancellationToken)).ProductId;

        var refused = await Should.ThrowAsync<StripeException>(() => CreateAsync(transfer: null));
        var moved = await CreateAsync(transfer: true);

        (refused.HttpStatusCode, refused.StripeError.Param).ShouldBe((HttpStatusCode.BadRequest, "lookup_key"));
        (await _stage.Stripe.Prices.ListAsync(new() { LookupKeys = ["pro"] }, cancellationToken: TestContext.Current.CancellationToken))
            .Single().Id.ShouldBe(moved.Id);

        Task<Stripe.Price> CreateAsync(bool? transfer) => _stage.Stripe.Prices.CreateAsync(
            new()
            {
                Product = product, Currency = "usd", UnitAmount = 2900, Recurring = new() { Interval = "month" }, LookupKey = "pro",
                TransferLookupKey = transfer,
            },
            cancellationToken: TestContext.Current.CancellationToken);
    }

    private async Task<List<IReadOnlyList<string>>> PagesAsync(
        int limit, Func<IReadOnlyList<string>, string> next, string first = "")
    {
        var pages = new List<IReadOnlyList<string>>();
        for (var cursor = first; ; cursor = next(pages[^1]))
        {
            var page = (await _stage.Api.GetAsync($"/v1/customers?limit={limit}{cursor}")).Ok();
            pages.Add(Ids(page));
            if (!page["has_more"].GetBoolean())
                return pages;
        }
    }

    private static IReadOnlyList<string> Ids(StripeAnswer list) =>
        [.. list.Data.Select(static item => item.GetProperty("id").GetString()!)];
}
