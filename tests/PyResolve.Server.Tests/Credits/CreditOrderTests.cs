using System.Globalization;

namespace PyResolve.Server.Tests.Credits;

/// <summary>Few steps in every order: every answer and every figure is that of a simple model.</summary>
[Trait("Category", "Proof")]
public sealed class CreditOrderTests(SharedServers servers)
{
    private const int Limit = 2;
    private const int Overage = 2;

    private static readonly string[] Steps =
        ["hold 3", "hold 2", "commit first", "commit second", "release first", "give 2", "expire", "next month"];

    /// <summary>In the short form a part of them.</summary>
    private static readonly int Every = Scale.Pick(67, 3);

    [Theory, OnEveryEngine]
    public async Task Holds_commits_releases_gifts_expiries_and_ends_of_months_in_every_order(StorageEngine engine)
    {
        await using var shop = await CreditShop.OpenAsync(engine, servers, Limit, startAt: "2026-11-15T12:00:00Z");
        var (orders, number) = (0, 0);

        foreach (var order in Orders(Steps, length: 5).Where(_ => number++ % Every == 0))
        {
            await RunAsync(shop, order);
            orders++;
        }

        await shop.AddUpAsync();
        Proofs.Report("Credits and overage in every order", string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {orders:N0} orders of 5 out of {Steps.Length} steps; every answer and every figure was the model's."));
    }

    private static async Task RunAsync(CreditShop shop, IReadOnlyList<string> order)
    {
        var account = await shop.SignUpAsync(credits: 1, overage: Overage);
        var model = new CreditModel(Limit, Overage) { Given = 1 };
        var ids = new List<Guid>();
        var taken = new List<string>();
        foreach (var step in order)
        {
            taken.Add(step);
            await StepAsync(shop, account, model, ids, step);
            (await CreditShop.ReadAsync(account)).ShouldBe(model.At(Month(shop)), string.Join(", ", taken));
            (await account.Key.GetAsync("/quota"))["can_migrate"].GetBoolean()
                .ShouldBe(model.Covers(1, Month(shop)), string.Join(", ", taken));
        }

        var spent = await shop.Own.Store.ReadRowAsync(
            $"""
            select coalesce(sum(credits), 0) as credits, coalesce(sum(overage), 0) as overage,
                   (select coalesce(sum(units), 0) from meter_events where user_id = '{account.UserId}') as metered
            from usage_events where user_id = '{account.UserId}'
            """);
        (Number(spent["credits"]), Number(spent["overage"])).ShouldBe(model.Spent, string.Join(", ", order));
        Number(spent["metered"]).ShouldBe(model.Spent.Overage, string.Join(", ", order));
    }

    private static async Task StepAsync(CreditShop shop, TestAccount account, CreditModel model, List<Guid> ids, string step)
    {
        var clock = shop.Own.Clock;
        switch (step)
        {
            case "hold 3" or "hold 2":
                var quantity = step[^1] - '0';
                var isGranted = model.Reserve(quantity, Month(shop), clock.GetUtcNow().AddSeconds(60));
                var held = await account.ReserveAsync(quantity, ttlSeconds: 60);
                held.Status.ShouldBe(isGranted ? 201 : 402);
                if (isGranted)
                    ids.Add(held.Id());
                break;
            case "commit first" when ids.Count > 0:
                (await account.CommitAsync(ids[0], new { quantity = 2 })).Status.ShouldBe(200);
                model.Commit(0, 2);
                break;
            case "commit second" when ids.Count > 1:
                (await account.CommitAsync(ids[1], new { quantity = 1 })).Status.ShouldBe(200);
                model.Commit(1, 1);
                break;
            case "release first" when ids.Count > 0:
                await account.ReleaseAsync(ids[0]);
                model.Release(0);
                break;
            case "give 2":
                await shop.GiveAsync(account, 2);
                model.Given += 2;
                break;
            case "expire":
                clock.Jump(TimeSpan.FromSeconds(61));
                model.MoveTo(clock.GetUtcNow());
                break;
            case "next month":
                var now = clock.GetUtcNow();
                clock.Jump(new DateTimeOffset(now.Year, now.Month, 15, 12, 0, 0, TimeSpan.Zero).AddMonths(1) - now);
                model.MoveTo(clock.GetUtcNow());
                break;
        }
    }

    public static IEnumerable<IReadOnlyList<string>> Orders(IReadOnlyList<string> steps, int length) => length == 0
        ? [[]]
        : steps.SelectMany(step => Orders([.. steps.Where(other => other != step)], length - 1)
            .Select(rest => (IReadOnlyList<string>)[step, .. rest]));

    private static string Month(CreditShop shop) => shop.Own.Clock.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private static int Number(object value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);
}
