using System.CommandLine;
using System.Text.Json;
using PyResolve.Server.Access;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>An account as an operator names it: by its email address, or by its id.</summary>
internal sealed record OperatorAccount(Guid Id, string Email, string? Name, string Plan)
{
    public static Argument<string> Argument() => new("account") { Description = "Its email address or its id" };

    public static string NotFound(string typed) => $"There is no account {typed}. The command 'accounts list' shows them all.";

    public static async Task<OperatorAccount?> FindAsync(IServiceProvider services, string typed, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<Database>();
        if (await database.FindAccountIdAsync(typed, cancellationToken) is not { } id)
            return null;
        var plans = services.GetRequiredService<PlanCatalog>();
        return await database.FirstAsync(
            $"select id, email, name, plan from profiles where id = {id} and deleted_at is null",
            row => new OperatorAccount(row.Uuid(0), row.Text(1), row.TextOrNull(2), plans.NameOf(row.Text(3))),
            cancellationToken);
    }

    public void Write(Utf8JsonWriter writer, string? plan = null)
    {
        writer.WriteString("id", Id);
        writer.WriteString("email", Email);
        writer.WriteString("name", Name);
        writer.WriteString("plan", plan ?? Plan);
    }
}
