using System.CommandLine;
using PyResolve.Server.Operators;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>Who may use the operator's pages.</summary>
internal static class OperatorCommands
{
    private const string Support = "support";
    private const string Admin = "admin";

    public static Command Create(RunOperatorCommand run) =>
        new("operator", "Say who may use the pages under /operator") { Add(run), Remove(run), List(run) };

    private static Command Add(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var role = new Option<string>("--role")
        {
            Description = $"{Support} sees everything; {Admin} also changes plans and units",
            DefaultValueFactory = static _ => Support,
        };
        role.AcceptOnlyFromAmong(Support, Admin);
        var command = new Command("add", "Make an account an operator, or give it another role") { account, role, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => AddAsync(
                services, parse.GetRequiredValue(account), parse.GetValue(role)!, new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static Command Remove(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var command = new Command("remove", "Take an account's role away, at once; the account stays") { account, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => RemoveAsync(
                services, parse.GetRequiredValue(account), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static Command List(RunOperatorCommand run)
    {
        var json = OperatorOutput.JsonOption();
        var command = new Command("list", "Every operator: email, role, since when") { json };
        command.SetAction((parse, cancellationToken) => run(
            parse, (services, token) => ListAsync(services, new OperatorOutput(parse.GetValue(json)), token), cancellationToken));
        return command;
    }

    private static async Task<int> AddAsync(
        IServiceProvider services, string typed, string role, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        await services.GetRequiredService<OperatorList>().AddAsync(
            account.Id, role == Admin ? OperatorRole.Admin : OperatorRole.Support, cancellationToken);
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteString("role", role);
            })
            : await OperatorOutput.SayAsync($"{account.Email} is an operator now, with the role {role}. The pages are under /operator.");
    }

    private static async Task<int> RemoveAsync(
        IServiceProvider services, string typed, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        if (!await services.GetRequiredService<OperatorList>().RemoveAsync(account.Id, cancellationToken))
            return await OperatorOutput.FailAsync($"{account.Email} is no operator. The command 'operator list' shows them all.");
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteBoolean("removed", true);
            })
            : await OperatorOutput.SayAsync($"{account.Email} is no operator any more.");
    }

    private static async Task<int> ListAsync(IServiceProvider services, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var operators = await services.GetRequiredService<OperatorList>().ReadAsync(cancellationToken);
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteStartArray("data");
                foreach (var one in operators)
                {
                    writer.WriteStartObject();
                    writer.WriteString("id", one.UserId);
                    writer.WriteString("email", one.Email);
                    writer.WriteString("role", OperatorList.NameOf(one.Role));
                    writer.WriteInstant("added_at", one.AddedAt);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
        }

        if (operators.Count == 0)
            return await OperatorOutput.SayAsync("There is no operator. 'operator add <email>' makes one of an account.");
        var width = operators.Select(static one => one.Email.Length).Append("EMAIL".Length).Max();
        await Console.Out.WriteLineAsync($"{"EMAIL".PadRight(width)}  {"ROLE",-7}  SINCE");
        foreach (var one in operators)
        {
            await Console.Out.WriteLineAsync(
                $"{one.Email.PadRight(width)}  {OperatorList.NameOf(one.Role),-7}  {one.AddedAt:yyyy-MM-dd}");
        }

        return OperatorOutput.Done;
    }
}
