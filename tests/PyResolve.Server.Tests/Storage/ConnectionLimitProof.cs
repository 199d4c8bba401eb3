using System.Globalization;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Three servers with default settings share the connections that PostgreSQL has by default.</summary>
[Trait("Category", "Proof")]
public sealed class ConnectionLimitProof
{
    private const int Servers = 3;
    private const int ClientsOfEach = 100;

    private static readonly int RequestsOfEach = Scale.Pick(6, 30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_servers_with_default_settings_refuse_nothing_for_want_of_connections()
    {
        await using var postgres = await PostgresServer.StartWithDefaultsAsync(Cancellation);
        var url = PostgresAddress.ToUrl(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation));
        var servers = new List<ServerProcess>();
        try
        {
            while (servers.Count < Servers)
                servers.Add(await ServerProcess.StartAsync(new Dictionary<string, string?> { ["DATABASE_URL"] = url }, Cancellation));
            var account = await TestAccount.SignUpAsync(servers[0].Http);
            await TestStore.On(PostgresAddress.Parse(url).ConnectionString).ExecuteSqlAsync("update profiles set plan = 'unlimited'");

            foreach (var server in servers)
                await account.On(server.Http).WarmUpAsync();

            var answers = await Task.WhenAll(
                from server in servers
                from client in Enumerable.Range(0, ClientsOfEach)
                select UseAsync(account.On(server.Http), client));

            var all = answers.SelectMany(static answer => answer).ToList();
            all.ShouldAllBe(static answer => answer.Status == 200 || answer.Status == 201 || answer.Status == 503);
            postgres.Log.ShouldNotContain("too many clients");
            postgres.Log.ShouldNotContain("connection slots are reserved");
            // A machine that has other work may not check a key in time, and refuses for that.
            var refused = all.Count(static answer => answer.Status == 503);
            if (Scale.IsSoak)
                refused.ShouldBe(0);
            Proofs.Report("Connections", string.Create(
                CultureInfo.InvariantCulture,
                $"{Servers} servers with default settings on a PostgreSQL with its default of 100 connections: "
                + $"{all.Count:N0} mixed requests, {Servers * ClientsOfEach} at once, {refused} refused."));
        }
        finally
        {
            foreach (var server in servers)
                await server.DisposeAsync();
        }
    }

    private static async Task<List<Answer>> UseAsync(TestAccount account, int client)
    {
        var answers = new List<Answer>();
        for (var i = 0; i < RequestsOfEach; i++)
        {
            answers.Add(((client + i) % 4) switch
            {
                0 => await account.Key.PostAsync("/usage", new { event_type = "scan" }),
                1 => await account.Key.GetAsync("/usage/events"),
                2 => await account.ReserveAsync(),
                _ => await account.Key.GetAsync("/quota"),
            });
        }

        return answers;
    }
}
