namespace PyResolve.Server.Tests.Statistics;

/// <summary>Reports usage, and reads all of it back.</summary>
internal static class UsageDriver
{
    public static async Task<Guid> ReportAsync(
        this TestAccount account,
        string? library = null,
        string? tier = null,
        int tokens = 0,
        int files = 0,
        string? occurredAt = null,
        string type = "migration",
        object? metadata = null)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        var answer = await account.Key.PostAsync(
            "/usage",
            new { event_type = type, library, tier, tokens_used = tokens, files_changed = files, occurred_at = occurredAt, metadata, id });
        answer.Status.ShouldBe(200, answer.Text);
        return id;
    }

    /// <summary>The id of the account's first key.</summary>
    public static async Task<Guid> KeyIdAsync(this TestAccount account) =>
        (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray()
            .Single(key => account.ApiKey.StartsWith(key.GetProperty("prefix").GetString()!, StringComparison.Ordinal))
            .GetProperty("id").GetGuid();

    /// <summary>Follows the cursors from the newest event to the end.</summary>
    /// <param name="account">The account of the events.</param>
    /// <param name="query">The query of each request, such as <c>limit=3</c>.</param>
    /// <param name="betweenPages">Runs after each page but the last.</param>
    public static async Task<List<Guid>> ReadAllEventsAsync(this TestAccount account, string query, Func<Task>? betweenPages = null)
    {
        var ids = new List<Guid>();
        for (string? cursor = null; ;)
        {
            var page = await account.Key.GetAsync($"/usage/events?{query}&cursor={cursor}");
            page.Status.ShouldBe(200, page.Text);
            ids.AddRange(page["data"].EnumerateArray().Select(usage => usage.GetProperty("id").GetGuid()));
            cursor = page["next_cursor"].GetString();
            if (cursor is null)
                return ids;
            if (betweenPages is not null)
                await betweenPages();
        }
    }
}
