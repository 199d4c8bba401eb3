using System.CommandLine;
using System.Globalization;
using PyResolve.Server.Accounts;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Operators;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>Runs a command with settings that win over all others.</summary>
internal delegate Task<int> RunWithSettings(
    ParseResult parse, IEnumerable<KeyValuePair<string, string?>> settings, OperatorCommand command, CancellationToken cancellationToken);

/// <summary>
/// The first minute of a server: a file with its settings and secrets, the schema, the first operator. Nothing that exists is overwritten,
/// and where it fails no file is left.
/// </summary>
internal static class InitCommand
{
    public const string Name = "init";

    private const string DefaultFile = "pyresolve.env";
    private const int LinkHours = 24;

    /// <param name="file">The one to write; by default <see cref="DefaultFile"/> in the working folder.</param>
    /// <param name="run">Runs what needs the database.</param>
    public static Command Create(Option<string?> file, RunWithSettings run)
    {
        var database = new Option<string?>("--database")
        {
            Description = "PostgreSQL, in place of the embedded database. DATABASE_URL in the environment keeps its password out of the "
                + "shell's history",
            HelpName = "postgres://…",
        };
        var data = new Option<string?>("--data")
        {
            Description = "The folder of the embedded database; by default data beside the file", HelpName = "folder",
        };
        var listen = new Option<string?>("--listen")
        {
            Description = $"Where the server listens; by default {NewServer.DefaultListen}", HelpName = "address",
        };
        var url = new Option<string?>("--url")
        {
            Description = "The address that people see; by default where the server listens", HelpName = "address",
        };
        var email = new Option<string?>("--operator")
        {
            Description = "The email address of the first operator; asked for on a terminal", HelpName = "email",
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command(Name, "Set a new server up: a file with its settings and secrets, the schema, the first operator")
        {
            database, data, listen, url, email, json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(
            (settings, make) => run(parse, settings, make, cancellationToken),
            new InitQuestions(
                Path.GetFullPath(parse.GetValue(file) is { Length: > 0 } named ? named : DefaultFile),
                parse.GetValue(database), parse.GetValue(data), parse.GetValue(listen), parse.GetValue(url), parse.GetValue(email)),
            new OperatorOutput(parse.GetValue(json))));
        return command;
    }

    private static async Task<int> RunAsync(
        Func<IEnumerable<KeyValuePair<string, string?>>, OperatorCommand, Task<int>> run, InitQuestions questions, OperatorOutput output)
    {
        if (File.Exists(questions.File))
        {
            return await OperatorOutput.RefuseAsync(
                $"{questions.File} exists already, and nothing was changed. Start the server with {Start(questions.File)}");
        }

        if (Directory.Exists(questions.File))
        {
            return await OperatorOutput.RefuseAsync(
                $"{questions.File} is a folder, and nothing was changed. Name a file in it, such as "
                + $"{Path.Combine(questions.File, DefaultFile)}.");
        }

        if (Path.GetDirectoryName(questions.File) is { } folder && !Directory.Exists(folder))
        {
            return await OperatorOutput.RefuseAsync(
                $"There is no folder {folder}, and nothing was changed. Make it, or name another file with --env-file.");
        }

        var (server, problem) = await questions.AskAsync();
        if (server is null)
            return await OperatorOutput.RefuseAsync(problem!);
        // Complete or not there. It is made first, so that nothing is done where it cannot be.
        var draft = $"{server.File}.{Path.GetRandomFileName()}";
        try
        {
            if (Write(server, draft) is { } fault)
                return await OperatorOutput.FailAsync(fault);
            FirstOperator? made = null;
            var exitCode = await run(
                server.Settings,
                async (services, token) =>
                {
                    (made, var refusal) = await MakeAsync(services, server, token);
                    return made is null ? await OperatorOutput.FailAsync(refusal!) : OperatorOutput.Done;
                });
            if (made is null)
                return exitCode;
            File.Move(draft, server.File, overwrite: false);
            if (questions.Url is null && server.FindWarning() is { } warning)
                await OperatorOutput.NoteAsync(warning);
            return await ShowAsync(server, made, output);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <returns>What is wrong; null: it is written.</returns>
    private static string? Write(NewServer server, string draft)
    {
        try
        {
            server.WriteTo(draft);
            return null;
        }
        catch (Exception exception) when (FileFault.Is(exception))
        {
            return $"{server.File} cannot be written: {FileFault.Explain(exception)}. Nothing was changed. Run init as a user that may "
                + "write there, or name another file with --env-file.";
        }
    }

    private static async Task<(FirstOperator? Made, string? Refusal)> MakeAsync(
        IServiceProvider services, NewServer server, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().ApplyAsync(cancellationToken);
        var administration = services.GetRequiredService<AccountAdministration>();
        var account = await OperatorAccount.FindAsync(services, server.Operator.Shown, cancellationToken);
        // An earlier attempt may have come as far as the account. Other accounts need the secrets of the file that there is somewhere.
        if (await IsInUseAsync(services, account?.Id ?? Guid.Empty, cancellationToken))
        {
            return (null, "The database has accounts already, and init is for a new one. Copy the file with the settings and secrets of "
                + "the server that uses it; 'operator add' and 'accounts reset-password' let somebody in.");
        }

        if (account is null)
        {
            await administration.CreateAsync(server.Operator, name: null, password: null, isVerified: true, cancellationToken);
            account = await OperatorAccount.FindAsync(services, server.Operator.Shown, cancellationToken);
        }

        await services.GetRequiredService<OperatorList>().AddAsync(account!.Id, OperatorRole.Admin, cancellationToken);
        var link = await administration.MakeLinkAsync(
            account.Id, account.Email, TimeSpan.FromHours(LinkHours), isInvitation: false, cancellationToken);
        return (new FirstOperator(account, link), null);
    }

    /// <summary>By others, or by the operator: nothing can have been done with an account that an earlier attempt made.</summary>
    private static async Task<bool> IsInUseAsync(IServiceProvider services, Guid operatorId, CancellationToken cancellationToken) =>
        await services.GetRequiredService<Database>().FirstAsync(
            $"""
            select id from profiles where id <> {operatorId}
            union all
            select user_id from passwords where user_id = {operatorId}
            union all
            select user_id from identities where user_id = {operatorId}
            union all
            select user_id from second_factors where user_id = {operatorId}
            union all
            select user_id from api_keys where user_id = {operatorId}
            limit 1
            """,
            static row => new { Id = row.Uuid(0) },
            cancellationToken) is not null;

    private static Task<int> ShowAsync(NewServer server, FirstOperator made, OperatorOutput output) => output.IsJson
        ? OperatorOutput.WriteAsync(writer =>
        {
            writer.WriteString("file", server.File);
            made.Account.Write(writer);
            writer.WriteString("url", made.Link.Url);
            writer.WriteInstant("expires_at", made.Link.ExpiresAt);
            writer.WriteString("start", Start(server.File));
        })
        : OperatorOutput.SayAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            Wrote {server.File}, which only you can read. It has the settings and the secrets of the server: keep a copy with your backups.

            Start the server with
              {Start(server.File)}

            {made.Account.Email} is its operator, and chooses a password at
              {made.Link.Url}
            The link works once, until {made.Link.ExpiresAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC.
            """));

    private static string Start(string file) => string.Join(
        ' ', OwnProgram.GetWords(static () => null).Append("--env-file").Append(file).Select(ShellWord.Quote));

    private sealed record FirstOperator(OperatorAccount Account, PasswordLink Link);
}
