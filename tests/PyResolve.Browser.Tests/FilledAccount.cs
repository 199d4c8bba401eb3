using System.Text.Json;

namespace PyResolve.Browser.Tests;

/// <summary>
/// An account in which one text stands in every field that its pages and the operator's show, also where the API would refuse it.
/// </summary>
internal sealed class FilledAccount : IAsyncDisposable
{
    // More than a page of the audit log holds.
    private const int AuditEntries = 60;

    private readonly DirectoryInfo _mail;
    private readonly TestStore _store;
    private readonly ServerProcess _server;
    private readonly TestAccount _account;
    private readonly string _eventId;
    private readonly string _keyId;
    private readonly string _userCode;
    private int _entries;

    private FilledAccount(
        DirectoryInfo mail, TestStore store, ServerProcess server, TestAccount account, string eventId, string keyId, string userCode)
    {
        (_mail, _store, _server, _account) = (mail, store, server, account);
        (_eventId, _keyId, _userCode) = (eventId, keyId, userCode);
    }

    public string Email => _account.Email;

    /// <summary>Of the session in the browser.</summary>
    public string Cookie { get; set; } = "";

    public static async Task<FilledAccount> CreateAsync(StorageEngine engine, PostgresFixture postgres)
    {
        var store = await TestStore.CreateAsync(engine, postgres);
        var mail = Directory.CreateTempSubdirectory("pyresolve-mail-");
        var settings = new Dictionary<string, string?>(store.Settings)
        {
            ["PyResolve__PasswordIterations"] = "1000", ["PyResolve__EmailFolder"] = mail.FullName,
        };
        var server = await ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http, "ada@example.com");
        await store.ExecuteSqlAsync("insert into operators (user_id, role, added_at) select id, 'admin', created_at from profiles");
        var reserved = await account.Key.PostAsync("/quota/reservations", new { tier = "tier1", library = "a", machine = "a" });
        var committed = await account.Key.PostAsync(
            $"/quota/reservations/{reserved["id"].GetGuid()}/commit", new { metadata = new { a = "a" } });
        var keys = await account.Session.GetAsync("/auth/api-keys");
        var device = await new Caller(server.Http).PostAsync("/auth/device/code", new { client_id = "a" });
        var filled = new FilledAccount(
            mail, store, server, account, $"{committed["usage_event_id"].GetGuid()}",
            $"{keys["data"][0].GetProperty("id").GetGuid()}", device["user_code"].GetString()!);
        for (var entry = 0; entry < AuditEntries; entry++)
            await filled.AddAuditEntryAsync("a");
        return filled;
    }

    /// <summary>By SQL, so that the checks of the API do not stand in the way.</summary>
    public async Task FillAsync(string text)
    {
        var value = Quote(text);
        var metadata = Quote(JsonSerializer.Serialize(new Dictionary<string, string> { [text] = text }));
        await _store.ExecuteSqlAsync(
            $"""
            update profiles set name = {value};
            update api_keys set name = {value}, last_used_at = created_at;
            update sessions set user_agent = {value}, address = {value};
            update usage_events set event_type = {value}, library = {value}, metadata = {metadata};
            update reservations set library = {value}, machine = {value};
            update usage_libraries set library = {value};
            update device_codes set client_id = {value};
            """);
        await AddAuditEntryAsync(text);
    }

    public Task<Answer> GetAsync(string path, string text) => SendAsync(HttpMethod.Get, path, body: null, text);

    /// <param name="path">Of a form.</param>
    /// <param name="fields">Each with the text.</param>
    /// <param name="text">The text.</param>
    public Task<Answer> PostAsync(string path, string[] fields, string text) =>
        SendAsync(HttpMethod.Post, path, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field, text))), text);

    public string AddressOf(string path, string text) => new Uri(_server.Address, PathOf(path, text)).AbsoluteUri;

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        _mail.Delete(recursive: true);
    }

    private string PathOf(string path, string text) => path
        .Replace("{account}", $"{_account.UserId}", StringComparison.Ordinal)
        .Replace("{event}", _eventId, StringComparison.Ordinal)
        .Replace("{key}", _keyId, StringComparison.Ordinal)
        .Replace("{code}", _userCode, StringComparison.Ordinal)
        .Replace("{text}", Uri.EscapeDataString(text), StringComparison.Ordinal);

    private Task<Answer> SendAsync(HttpMethod method, string path, HttpContent? body, string text) =>
        new Caller(_server.Http).SendAsync(
            method, PathOf(path, text), body, [("Cookie", Cookie), ("Origin", _server.Address.GetLeftPart(UriPartial.Authority))]);

    /// <summary>Entries cannot be changed: each is later than those before it.</summary>
    private Task<int> AddAuditEntryAsync(string text)
    {
        var id = $"ffffffff-ffff-7fff-bfff-{++_entries:x12}";
        var at = _store.Engine is StorageEngine.Postgres ? "now() + interval '1 day'" : "(unixepoch() + 86400) * 1000000";
        return _store.ExecuteSqlAsync(
            $"""
            insert into audit_log (user_id, id, at, actor, action, target, address, reason)
            values ('{_account.UserId}', '{id}', {at}, {Quote(text)}, {Quote(text)}, {Quote(text)}, {Quote(text)}, {Quote(text)})
            """);
    }

    private static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
