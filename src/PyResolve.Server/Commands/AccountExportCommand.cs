using System.CommandLine;
using System.Text.Json;
using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>Everything that is kept about a person, without secrets, as one JSON object that is streamed.</summary>
internal static class AccountExportCommand
{
    private const int FlushBytes = 64 * 1024;

    /// <summary>The member, its table, its columns, and the column that says whose a row is.</summary>
    private static readonly (string Member, string Columns, string Source)[] Lists =
    [
        ("identities", "issuer,subject,created_at", "identities where user_id = "),
        ("api_keys", "id,key_prefix,name,scopes,created_at,last_used_at,expires_at,revoked_at", "api_keys where user_id = "),
        ("sessions", "id,created_at,last_seen_at,expires_at,revoked_at,address,user_agent", "sessions where user_id = "),
        ("second_factor", "created_at,confirmed_at", "second_factors where user_id = "),
        ("recovery_codes", "used_at", "recovery_codes where user_id = "),
        ("email_changes", "old_email,new_email,created_at,expires_at", "email_changes where user_id = "),
        ("alert_rules", "percent,is_on,changed_at", "alert_rules where user_id = "),
        ("usage_alerts", "month,percent,used,plan_limit,reached_at", "usage_alerts where user_id = "),
        ("usage", "month,migrations,tier1_migrations,llm_migrations,total_tokens,total_files_changed", "usage_monthly where user_id = "),
        ("reservations", "id,state,quantity,remaining,tier,library,month,machine,key_id,created_at,expires_at",
            "reservations where user_id = "),
        ("events",
            "id,event_type,library,tier,quantity,files_changed,tokens_used,metadata,month,occurred_at,created_at,reservation_id,key_id",
            "usage_events where user_id = "),
        ("audit", "at,actor,action,target,address", "audit_log where user_id = "),
    ];

    private static readonly HashSet<string> Instants = new(StringComparer.Ordinal)
    {
        "created_at", "last_used_at", "expires_at", "revoked_at", "last_seen_at", "occurred_at", "at", "email_verified_at", "updated_at",
        "confirmed_at", "used_at", "changed_at", "reached_at",
    };

    private static readonly HashSet<string> Numbers = new(StringComparer.Ordinal)
    {
        "migrations", "tier1_migrations", "llm_migrations", "total_tokens", "total_files_changed", "quantity", "remaining",
        "files_changed", "tokens_used", "percent", "used", "plan_limit",
    };

    private static readonly HashSet<string> Ids = new(StringComparer.Ordinal) { "id", "reservation_id", "key_id" };

    public static Command Create(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var command = new Command("export", "Everything that is kept about an account, as one JSON object, without secrets")
        {
            account, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => ExportAsync(services, parse.GetRequiredValue(account), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> ExportAsync(IServiceProvider services, string typed, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var database = services.GetRequiredService<Database>();
        await using var stdout = Console.OpenStandardOutput();
        await using var writer = new Utf8JsonWriter(stdout);
        writer.WriteStartObject();
        await database.VisitAsync(
            Select("id,email,name,plan,email_verified_at,created_at,updated_at", "profiles where id = ", account.Id),
            row => Write(writer, row, "account", "id,email,name,plan,email_verified_at,created_at,updated_at"),
            cancellationToken);
        foreach (var (member, columns, source) in Lists)
        {
            writer.WriteStartArray(member);
            await database.VisitAsync(
                Select(columns, source, account.Id),
                row =>
                {
                    Write(writer, row, member: null, columns);
                    if (writer.BytesPending > FlushBytes)
                        writer.Flush();
                    return true;
                },
                cancellationToken);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        await writer.FlushAsync(cancellationToken);
        await stdout.WriteAsync("\n"u8.ToArray(), cancellationToken);
        await database.WriteAsync(
            session => services.GetRequiredService<AuditLog>().WriteAsync(
                session, account.Id, Origin.Operator, AuditActions.Exported, target: null, cancellationToken),
            cancellationToken);
        return OperatorOutput.Done;
    }

    private static Sql Select(string columns, string source, Guid userId)
    {
        var selected = columns.Split(',').Select(static column => Numbers.Contains(column) ? $"cast({column} as bigint)" : column);
        return $"select {new SqlFragment(string.Join(", ", selected))} from {new SqlFragment(source)}{userId}";
    }

    private static bool Write(Utf8JsonWriter writer, Row row, string? member, string columns)
    {
        if (member is null)
            writer.WriteStartObject();
        else
            writer.WriteStartObject(member);
        foreach (var (column, index) in columns.Split(',').Select(static (column, index) => (column, index)))
        {
            if (Instants.Contains(column))
                writer.WriteInstant(column, row.InstantOrNull(index));
            else if (Numbers.Contains(column))
                writer.WriteNumber(column, row.Int64(index));
            else if (Ids.Contains(column))
                WriteId(writer, column, row.UuidOrNull(index));
            else if (column is "is_on")
                writer.WriteBoolean(column, row.Boolean(index));
            else if (column is "metadata")
                WriteMetadata(writer, row.Text(index));
            else
                writer.WriteString(column, row.TextOrNull(index));
        }

        writer.WriteEndObject();
        return true;
    }

    private static void WriteId(Utf8JsonWriter writer, string name, Guid? id)
    {
        if (id is { } value)
            writer.WriteString(name, value);
        else
            writer.WriteNull(name);
    }

    private static void WriteMetadata(Utf8JsonWriter writer, string metadata)
    {
        writer.WritePropertyName("metadata");
        writer.WriteRawValue(metadata);
    }
}
