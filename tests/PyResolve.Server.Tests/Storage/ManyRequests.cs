namespace PyResolve.Server.Tests.Storage;

/// <summary>More requests at once than the database gives connections.</summary>
internal static class ManyRequests
{
    private const int Clients = 32;
    private const int Rounds = 10;

    /// <returns>The answers that were not 200.</returns>
    public static async Task<IEnumerable<string>> SendAsync(TestAccount account) =>
        (await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => UseAsync(account)))).SelectMany(static failures => failures);

    private static async Task<List<string>> UseAsync(TestAccount account)
    {
        var failures = new List<string>();
        for (var i = 0; i < Rounds; i++)
        {
            Answer[] three =
            [
                await account.Key.PostAsync("/usage", new { event_type = "scan" }),
                await account.Key.GetAsync("/usage/events"),
                await account.Key.GetAsync("/quota"),
            ];
            failures.AddRange(three.Where(static answer => answer.Status != 200).Select(static answer => answer.Text));
        }

        return failures;
    }
}
