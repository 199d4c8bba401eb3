namespace PyResolve.Server.Tests.Citus;

/// <summary>Accounts of a Citus by the worker that has their rows.</summary>
internal static class CitusAccounts
{
    /// <returns>The accounts whose rows are on the second worker, and those on the first.</returns>
    public static async Task<(IReadOnlyList<TestAccount> Healthy, IReadOnlyList<TestAccount> Stranded)> SplitAsync(
        CitusCluster citus, TestStore store, ServerProcess server, int count = 40)
    {
        var accounts = new List<TestAccount>();
        while (accounts.Count < count)
            accounts.Add(await TestAccount.SignUpAsync(server.Http));
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var stranded = new List<TestAccount>();
        foreach (var account in accounts)
        {
            (await account.ReportScanAsync()).Status.ShouldBe(200);
            if (await store.ReadNumberAsync(
                $"""
                select nodeport from citus_shards
                where shardid = get_shard_id_for_distribution_column('usage_events', '{account.UserId}'::uuid)
                """) == citus.Workers[0].Port)
            {
                stranded.Add(account);
            }
        }

        return ([.. accounts.Except(stranded)], stranded);
    }

    public static Task<Answer> ReportScanAsync(this TestAccount account) => account.Key.PostAsync("/usage", new { event_type = "scan" });

    public static Task<TimeSpan> AreServedAgainAsync(IReadOnlyList<TestAccount> accounts, CancellationToken cancellationToken) =>
        Eventually.IsTrueAsync(
            async () => (await Task.WhenAll(accounts.Select(ReportScanAsync))).All(answer => answer.Status == 200),
            TimeSpan.FromSeconds(60), cancellationToken);
}
