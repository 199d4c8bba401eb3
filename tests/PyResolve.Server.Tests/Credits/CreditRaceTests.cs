namespace PyResolve.Server.Tests.Credits;

/// <summary>Clients that race, on several instances, never get more than plan, credits and overage together, and nothing is lost.</summary>
[Trait("Category", "Proof")]
public sealed class CreditRaceTests(SharedServers servers)
{
    private const int Clients = 200;

    [Theory, OnEveryEngine]
    public async Task Two_hundred_clients_get_exactly_what_plan_credits_and_overage_have(StorageEngine engine)
    {
        await using var race = await CreditRace.StartAsync(engine, servers, limit: 3, credits: [2, 2], overage: 5);

        var answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => race.Door(client).ReserveAsync()));

        answers.Count(static answer => answer.Status == 201).ShouldBe(3 + 4 + 5);
        (await CreditShop.ReadAsync(race.Account)).ShouldBe(new BeyondView(Used: 0, Held: 12, Remaining: 0, Credits: 0, Overage: 5));
        await race.Shop.AddUpAsync();
        Proofs.Report(
            "Racing for credits and overage",
            $"{engine}: {Clients} clients, 12 reservations granted of 3 of the plan, 4 credits and 5 of overage.");
    }

    [Theory, OnEveryEngine]
    public async Task Random_reservations_commits_and_releases_add_up(StorageEngine engine)
    {
        await using var race = await CreditRace.StartAsync(engine, servers, limit: 20, credits: [7, 9, 11], overage: 13);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(client => race.WorkAsync(race.Door(client), new Random(client))));

        var held = await CreditShop.ReadAsync(race.Account);
        held.Held.ShouldBe(0);
        held.Used.ShouldBe(race.Committed);
        held.Used.ShouldBeLessThanOrEqualTo(20 + 27 + 13);
        race.Refused.ShouldBeGreaterThan(0);
        var ofPlan = held.Used - (27 - held.Credits) - held.Overage;
        ofPlan.ShouldBeInRange(0, 20);
        await race.Shop.AddUpAsync();
        Proofs.Report(
            "Racing for credits and overage",
            $"{engine}: {race.Granted} reservations of 1 to 5 units granted, {race.Refused} refused; {race.Committed} units committed, of "
            + $"them {27 - held.Credits} by credits and {held.Overage} as overage: months, grants, events and meter agree.");
    }
}
