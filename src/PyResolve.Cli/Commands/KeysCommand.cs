using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>
/// Keys are managed with a key that has the scope <c>keys</c>, which the usual ones do not have, or with the account's password.
/// </summary>
internal static class KeysCommand
{
    private static readonly Argument<string> KeyId = new("id") { Description = "The key's id, from: pyresolve keys list" };

    private static readonly Option<string?> Name = new("--name") { Description = "What the key is for.", HelpName = "name" };

    private static readonly Option<string[]> Scope = new Option<string[]>("--scope")
    {
        Description = "What the key may do; can be repeated. Default: everything except keys.",
        HelpName = "scope",
    }.AcceptOnlyFromAmong([.. Scopes.All]);

    private static readonly Option<int?> ExpiresInDays =
        new("--expires-in-days") { Description = "After how many days it stops working. Default: never.", HelpName = "days" };

    private static readonly Option<int?> Grace =
        new("--grace-seconds") { Description = "How long the old key goes on working. Default: not at all.", HelpName = "seconds" };

    public static Command Create(Terminal terminal)
    {
        var list = new Command("list", "Show the account's API keys.") { Password.FromInput, GlobalOptions.Json };
        list.SetAction((parse, cancellationToken) => ListAsync(terminal, parse, cancellationToken));
        var create = new Command("create", "Create an API key, which is shown only this once.")
        {
            Name, Scope, ExpiresInDays, Password.FromInput, GlobalOptions.Json,
        };
        create.SetAction((parse, cancellationToken) => CreateKeyAsync(terminal, parse, cancellationToken));
        var rotate = new Command("rotate", "Replace an API key by a new one, which is shown only this once.")
        {
            KeyId, Grace, Password.FromInput, GlobalOptions.Json,
        };
        rotate.SetAction((parse, cancellationToken) => RotateAsync(terminal, parse, cancellationToken));
        var revoke = new Command("revoke", "Make an API key useless, at once and for ever.") { KeyId, Password.FromInput };
        revoke.SetAction((parse, cancellationToken) => RevokeAsync(terminal, parse, cancellationToken));
        return new Command("keys", "List, create, rotate and revoke API keys.") { list, create, rotate, revoke };
    }

    private static Task<int> ListAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var keys = await client.ListApiKeysAsync(session, cancellationToken);
            if (parse.GetValue(GlobalOptions.Json))
            {
                terminal.Line(CliJson.Write(new KeysReport(keys)));
                return ExitCodes.Success;
            }

            var table = new Table(new("Name"), new("Id"), new("Key"), new("Last used"), new("State"));
            foreach (var key in keys)
            {
                var lastUsed = key.LastUsedAt is { } used ? used.UtcDateTime.ToString("yyyy-MM-dd", null) : "never";
                table.Add(key.Name, ShortId(key.Id), key.Prefix + terminal.Ellipsis, lastUsed, State(key));
            }
            table.Write(terminal);
            return ExitCodes.Success;
        }, cancellationToken);

    private static Task<int> CreateKeyAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var request = new CreateApiKeyRequest
            {
                Name = parse.GetValue(Name),
                Scopes = parse.GetValue(Scope) is { Length: > 0 } scopes ? scopes : null,
                ExpiresAt = parse.GetValue(ExpiresInDays) is { } days ? TimeProvider.System.GetUtcNow().AddDays(days) : null,
            };
            var key = await client.CreateApiKeyAsync(request, session, cancellationToken);
            Show(terminal, parse, new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, PreviousExpiresAt: null));
            return ExitCodes.Success;
        }, cancellationToken);

    private static Task<int> RotateAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var id = await FindAsync(client, parse, session, cancellationToken);
            var key = await client.RotateApiKeyAsync(
                id, new RotateApiKeyRequest { GraceSeconds = parse.GetValue(Grace) }, session, cancellationToken);
            Show(terminal, parse, new(key.Id, key.Name, key.Prefix, key.Scopes, key.ExpiresAt, key.ApiKey, key.PreviousExpiresAt));
            return ExitCodes.Success;
        }, cancellationToken);

    private static Task<int> RevokeAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken) =>
        KeyAccess.UseAsync(terminal, parse, async (client, session) =>
        {
            var id = await FindAsync(client, parse, session, cancellationToken);
            await client.RevokeApiKeyAsync(id, session, cancellationToken);
            terminal.Success($"Revoked {id}");
            return ExitCodes.Success;
        }, cancellationToken);

    /// <summary>A key is named by its id, by the beginning of its id, or by the beginning of the key itself.</summary>
    private static async Task<Guid> FindAsync(
        PyResolveClient client, ParseResult parse, string? session, CancellationToken cancellationToken)
    {
        var text = parse.GetRequiredValue(KeyId);
        if (Guid.TryParse(text, out var whole))
            return whole;
        var keys = await client.ListApiKeysAsync(session, cancellationToken);
        var found = keys.Where(key => text.Length >= 4
            && (key.Id.ToString().EndsWith(text, StringComparison.OrdinalIgnoreCase)
                || key.Prefix.StartsWith(text, StringComparison.Ordinal)
                || text.StartsWith(key.Prefix, StringComparison.Ordinal))).ToList();
        return found switch
        {
            [var one] => one.Id,
            [] => throw new CliException(ExitCodes.Failure, $"There is no key '{text}'.", "See: pyresolve keys list"),
            _ => throw CliException.Usage($"'{text}' could be {found.Count} keys.", "Give the whole id, from: pyresolve keys list --json"),
        };
    }

    private static void Show(Terminal terminal, ParseResult parse, NewKeyReport key)
    {
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Line(CliJson.Write(key));
            return;
        }

        // Alone on standard output, so that it can be piped to where it is kept.
        terminal.Line(key.ApiKey);
        terminal.Note($"{key.Name}: {string.Join(", ", key.Scopes)}");
        if (key.ExpiresAt is { } end)
            terminal.Note($"It works until {QuotaText.FormatTime(end)}.");
        if (key.PreviousExpiresAt is { } previous)
            terminal.Note($"The old key works until {QuotaText.FormatTime(previous)}.");
        terminal.Note("Keep it now: it is not shown again.");
    }

    /// <summary>The last part of an id tells keys apart; the first is the time.</summary>
    private static string ShortId(Guid id) => id.ToString()[^12..];

    private static string State(ApiKeyInfo key) => key switch
    {
        { RevokedAt: not null } => "revoked",
        { ExpiresAt: { } end } when end <= TimeProvider.System.GetUtcNow() => "expired",
        { ExpiresAt: { } end } => $"until {end.UtcDateTime:yyyy-MM-dd}",
        _ => "active",
    };
}
