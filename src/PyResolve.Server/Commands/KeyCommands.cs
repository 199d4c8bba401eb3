using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Keys;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class KeyCommands
{
    public static Command Create(RunOperatorCommand run) => new("keys", "Look at API keys, and revoke them") { List(run), Revoke(run) };

    private static Command List(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var all = new Option<bool>("--all") { Description = "Revoked and expired keys too", Arity = ArgumentArity.Zero };
        var command = new Command("list", "The API keys of an account, without their secrets") { account, all, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => ListAsync(
                services, parse.GetRequiredValue(account), parse.GetValue(all), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static Command Revoke(RunOperatorCommand run)
    {
        var key = new Argument<string>("key") { Description = "Its id, its prefix (pyr_live_ and 11 characters), or the whole key" };
        var json = OperatorOutput.JsonOption();
        var command = new Command("revoke", "Revoke an API key at once") { key, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => RevokeAsync(services, parse.GetRequiredValue(key), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> ListAsync(
        IServiceProvider services, string typed, bool all, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var now = services.GetRequiredService<TimeProvider>().GetInstant();
        var keys = await services.GetRequiredService<Database>().ListAsync(
            $"""
            select id, key_prefix, name, scopes, created_at, last_used_at, expires_at, revoked_at
            from api_keys
            where user_id = {account.Id} and ({all} or (revoked_at is null and (expires_at is null or expires_at > {now})))
            order by created_at desc, id desc
            """,
            static row => new ListedKey(
                row.Uuid(0), row.Text(1), row.TextOrNull(2) ?? ApiKeys.DefaultName, row.Text(3), row.Instant(4), row.InstantOrNull(5),
                row.InstantOrNull(6), row.InstantOrNull(7)),
            cancellationToken);
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteStartArray("data");
                foreach (var key in keys)
                    key.Write(writer);
                writer.WriteEndArray();
            });
        }

        await Console.Out.WriteLineAsync($"{"PREFIX",-20}  {"CREATED",-10}  {"LAST USED",-10}  {"STATE",-10}  NAME");
        foreach (var key in keys)
        {
            var state = key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= now ? "expired" : "live";
            await Console.Out.WriteLineAsync(
                $"{key.Prefix,-20}  {key.CreatedAt:yyyy-MM-dd}  {Day(key.LastUsedAt),-10}  {state,-10}  {key.Name}");
        }

        return OperatorOutput.Done;
    }

    private static async Task<int> RevokeAsync(
        IServiceProvider services, string typed, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var prefix = services.GetRequiredService<AcceptedKeys>().IsWellFormed(typed) ? ApiKeyFormat.PrefixOf(typed) : typed;
        var id = Guid.TryParseExact(typed, "D", out var parsed) ? parsed : Guid.Empty;
        var key = await services.GetRequiredService<Database>().FirstAsync(
            $"select id, user_id, key_prefix from api_keys where id = {id} or key_prefix = {prefix}",
            static row => new { Id = row.Uuid(0), UserId = row.Uuid(1), Prefix = row.Text(2) },
            cancellationToken);
        if (key is null)
        {
            // Not the argument, which may be a whole key.
            return await OperatorOutput.FailAsync("There is no such API key. The command 'keys list <account>' shows the prefix of each.");
        }

        await services.GetRequiredService<ApiKeys>().RevokeAsync(
            new Caller(key.UserId, Email: "", Name: null), key.Id, Origin.Operator, cancellationToken);
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteString("id", key.Id);
                writer.WriteString("prefix", key.Prefix);
                writer.WriteBoolean("revoked", true);
            })
            : await OperatorOutput.SayAsync($"Revoked {key.Prefix}… Running servers refuse it within a second.");
    }

    private static string Day(DateTimeOffset? instant) =>
        instant is { } value ? value.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : "never";

    private sealed record ListedKey(
        Guid Id, string Prefix, string Name, string Scopes, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt,
        DateTimeOffset? RevokedAt)
    {
        public void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteString("id", Id);
            writer.WriteString("prefix", Prefix);
            writer.WriteString("name", Name);
            writer.WriteStartArray("scopes");
            foreach (var scope in ScopeSets.Parse(Scopes))
                writer.WriteStringValue(scope);
            writer.WriteEndArray();
            writer.WriteInstant("created_at", CreatedAt);
            writer.WriteInstant("last_used_at", LastUsedAt);
            writer.WriteInstant("expires_at", ExpiresAt);
            writer.WriteInstant("revoked_at", RevokedAt);
            writer.WriteEndObject();
        }
    }
}
