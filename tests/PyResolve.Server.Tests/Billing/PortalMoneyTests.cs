using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>In the portal that <c>stripe setup</c> makes, every plan is paid for as long as it was there to be used.</summary>
public sealed class PortalMoneyTests
{
    private static readonly int[] Days = [4, 13, 22];
    private static readonly (string Name, long Amount)[] Plans = [("Pro", 1900), ("Team", 4900), ("Unlimited", 9900)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Twelve_months_of_three_changes_each_cost_what_was_used_in_whatever_order()
    {
        var clock = new TestClock();
        await using var portal = await Portal.OpenAsync(clock, Plans);
        var start = clock.GetUtcNow();
        var payers = Orders().Select(portal.Subscribe).ToList();

        for (var month = 0; month < 12; month++)
        {
            var (begin, end) = (start.AddMonths(month), start.AddMonths(month + 1));
            for (var change = 0; change < Days.Length; change++)
            {
                portal.AdvanceTo(begin.AddDays(Days[change]));
                foreach (var payer in payers)
                    await portal.ChangeAsync(payer, payer.Order[change], begin, end);
            }

            portal.AdvanceTo(end.AddSeconds(-1));
            foreach (var payer in payers)
            {
                payer.Use(begin, end, end);
                (await portal.ReadPlanAsync(payer)).ShouldBe(payer.Plan, payer.Name);
                payer.BeginPeriod();
            }
        }

        foreach (var payer in payers)
        {
            var paid = await portal.ReadPaidAsync(payer);
            // Stripe rounds each part of a month to a cent.
            Math.Abs(paid - payer.Used).ShouldBeLessThan(12 * Days.Length, $"{payer.Name}: paid {paid}, used {payer.Used:0.00}");
        }
    }

    [Fact]
    public async Task The_latest_choice_counts_at_the_end_of_the_month()
    {
        var clock = new TestClock();
        await using var portal = await Portal.OpenAsync(clock, Plans);
        var (begin, end) = (clock.GetUtcNow(), clock.GetUtcNow().AddMonths(1));
        var payer = portal.Subscribe([2, 1, 0]);
        foreach (var plan in payer.Order)
            await portal.ChangeAsync(payer, plan, begin, end);

        portal.AdvanceTo(end.AddSeconds(1));

        (await portal.ReadPlanAsync(payer)).ShouldBe(0);
        // Pro, the step to Unlimited, and the next month of Pro.
        (await portal.ReadPaidAsync(payer)).ShouldBe(1900 + 8000 + 1900);
    }

    /// <summary>All 27, as places in <see cref="Plans"/>.</summary>
    private static IEnumerable<int[]> Orders() =>
        from first in Enumerable.Range(0, 3) from second in Enumerable.Range(0, 3) from third in Enumerable.Range(0, 3)
        select (int[])[first, second, third];

    /// <summary>What this payer should have paid: the price of the plan for every instant that it could be used.</summary>
    private sealed class Payer(string customer, int[] order)
    {
        private int _next;
        private DateTimeOffset? _usedUntil;

        public string Customer => customer;

        public int[] Order => order;

        public string Name => string.Join(", ", order.Select(static plan => Plans[plan].Name));

        public int Plan { get; private set; }

        public bool WaitsForChange => _next != Plan;

        public decimal Used { get; private set; }

        public void Use(DateTimeOffset begin, DateTimeOffset until, DateTimeOffset end)
        {
            Used += Plans[Plan].Amount * (decimal)(until - (_usedUntil ?? begin)).Ticks / (end - begin).Ticks;
            _usedUntil = until;
        }

        public void Choose(int plan)
        {
            _next = plan;
            Plan = Math.Max(plan, Plan);
        }

        public void BeginPeriod()
        {
            Plan = _next;
            _usedUntil = null;
        }
    }

    /// <summary>The simulator, with a portal as this server makes it, and a person who uses its pages.</summary>
    private sealed class Portal(
        StripeSimulatorHost host, StripeGateway stripe, IReadOnlyList<StripePrice> prices, string configuration) : IAsyncDisposable
    {
        private readonly HttpClient _person =
            new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });

        public static async Task<Portal> OpenAsync(TestClock clock, IEnumerable<(string Name, long Amount)> plans)
        {
            var host = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = clock }, Cancellation);
            var options = BillingOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["STRIPE_SECRET_KEY"] = host.SecretKey,
                ["STRIPE_API_BASE"] = host.Address.ToString(),
                ["PyResolve:Stripe:RequestsPerSecond"] = "10000",
            }).Build());
            var stripe = new StripeGateway(options, TimeProvider.System);
            var prices = new List<StripePrice>();
            foreach (var (name, amount) in plans)
                prices.Add((await stripe.FindPriceAsync(host.Simulation.AddPrice(name, amount), Cancellation))!);
            var made = await stripe.CreatePortalConfigurationAsync(prices, "https://back.example", Cancellation);
            return new Portal(host, stripe, prices, made.Id);
        }

        public void AdvanceTo(DateTimeOffset instant) => host.Simulation.Advance(instant - host.Simulation.Now);

        public Payer Subscribe(int[] order)
        {
            var customer = host.Simulation.AddCustomer(card: CardBehaviour.Works);
            host.Simulation.Subscribe(customer, prices[0].Id);
            return new Payer(customer, order);
        }

        public async Task ChangeAsync(Payer payer, int plan, DateTimeOffset begin, DateTimeOffset end)
        {
            payer.Use(begin, host.Simulation.Now, end);
            if (plan != payer.Plan)
                await PostAsync(payer, "plan", KeyValuePair.Create("price", prices[plan].Id));
            else if (payer.WaitsForChange)
                await PostAsync(payer, "keep");
            payer.Choose(plan);
        }

        public async Task<int> ReadPlanAsync(Payer payer)
        {
            var subscription = (await stripe.ListSubscriptionsAsync(payer.Customer, Cancellation)).Single();
            return prices.ToList().FindIndex(price => price.Id == subscription.Items!.Data.Single().Price!.Id);
        }

        public async Task<long> ReadPaidAsync(Payer payer)
        {
            var invoices = await stripe.ListInvoicesAsync(payer.Customer, status: null, after: null, 100, Cancellation);
            invoices!.HasMore.ShouldBeFalse();
            return invoices.Data.Sum(static invoice => invoice.AmountPaid);
        }

        public async ValueTask DisposeAsync()
        {
            _person.Dispose();
            await host.DisposeAsync();
        }

        private async Task PostAsync(Payer payer, string action, params KeyValuePair<string, string>[] fields)
        {
            var session = await stripe.CreatePortalAsync(payer.Customer, "https://back.example", configuration, Cancellation);
            using var form = new FormUrlEncodedContent(fields);
            using var answer = await _person.PostAsync(new Uri($"{session.Url}/{action}"), form, Cancellation);
            ((int)answer.StatusCode).ShouldBe(303, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }
}
