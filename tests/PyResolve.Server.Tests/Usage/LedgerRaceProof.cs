using System.Collections.Concurrent;
using System.Globalization;

namespace PyResolve.Server.Tests.Usage;

/// <summary>Two instances on one PostgreSQL get the same ids at once, in every order.</summary>
[Trait("Category", "Proof")]
public sealed class LedgerRaceProof(SharedServers servers)
{
    private const int Clients = 16;
    private const int EventsARound = 60;

    [Fact]
    public async Task Instances_that_race_for_the_same_ids_record_each_once_and_agree_on_which()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using var first = await TestServer.StartAsync(store);
        await using var second = await TestServer.StartAsync(store);
        TestAccount[] accounts = [await TestAccount.SignUpAsync(first.Http), await TestAccount.SignUpAsync(first.Http)];
        var rounds = Scale.Pick(10, 500);
        var statuses = new ConcurrentBag<(Guid Id, int Payload, string Status)>();

        for (var round = 0; round < rounds; round++)
        {
            Guid[] ids = [.. Enumerable.Range(0, EventsARound).Select(_ => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()))];
            await Task.WhenAll(Enumerable.Range(0, Clients).Select(client =>
                SendAsync(
                    accounts[client / 2 % 2].On(client % 2 == 0 ? first.Http : second.Http),
                    ids,
                    new Random((round * Clients) + client),
                    statuses)));
        }

        foreach (var sent in statuses.GroupBy(status => status.Id))
        {
            // Each account has its own event with this id.
            sent.Count(status => status.Status == "recorded").ShouldBe(2);
        }

        var expected = rounds * EventsARound * accounts.Length;
        (await store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(expected);
        (await store.CountDifferencesAsync()).ShouldBe(0);
        statuses.ShouldContain(status => status.Status == "conflict");
        Proofs.Report("Racing events", string.Create(
            CultureInfo.InvariantCulture,
            $"Postgres, 2 instances: {statuses.Count:N0} events sent by {Clients} clients under {expected:N0} ids, each recorded once "
            + $"({statuses.Count(status => status.Status == "conflict"):N0} conflicts)."));
    }

    private static async Task SendAsync(
        TestAccount account, Guid[] ids, Random random, ConcurrentBag<(Guid Id, int Payload, string Status)> statuses)
    {
        random.Shuffle(ids = [.. ids]);
        for (var at = 0; at < ids.Length;)
        {
            var batch = ids.Skip(at).Take(random.Next(1, 20)).Select(id => (Id: id, Payload: random.Next(2))).ToList();
            at += batch.Count;
            var answer = await account.Key.PostAsync(
                "/usage/batch",
                new { events = batch.Select(sent => new { event_type = "migration", tokens_used = sent.Payload, id = sent.Id }) });
            answer.Status.ShouldBe(200, answer.Text);
            foreach (var (sent, result) in batch.Zip(answer["results"].EnumerateArray()))
            {
                result.GetProperty("id").GetGuid().ShouldBe(sent.Id);
                statuses.Add((sent.Id, sent.Payload, result.GetProperty("status").GetString()!));
            }
        }
    }
}
