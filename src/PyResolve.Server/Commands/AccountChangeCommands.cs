using System.CommandLine;
using System.Security.Cryptography;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class AccountChangeCommands
{
    private const int MaxHours = 720;
    private const int InvitationHours = 72;
    private const int ResetHours = 24;
    private const int MaxNameLength = 200;
    private const string PasswordCharacters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private const int PasswordLength = 20;

    public static Command CreateAccount(RunOperatorCommand run)
    {
        var (email, name, verified, json) = (Email(), Name(), Verified(), OperatorOutput.JsonOption());
        var fromInput = new Option<bool>("--password-stdin")
        {
            Description = "Read the password from standard input; otherwise one is generated and shown",
            Arity = ArgumentArity.Zero,
        };
        var command = new Command("create", "Create an account with a password") { email, name, fromInput, verified, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => CreateAsync(
                services,
                new Wanted(parse.GetRequiredValue(email), parse.GetValue(name), parse.GetValue(verified)),
                parse.GetValue(fromInput),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    public static Command Invite(RunOperatorCommand run)
    {
        var (email, name, hours, json) = (Email(), Name(), Hours(InvitationHours), OperatorOutput.JsonOption());
        var command = new Command("invite", "Create an account without a password, and show a link that sets it once")
        {
            email, name, hours, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => InviteAsync(
                services,
                new Wanted(parse.GetRequiredValue(email), parse.GetValue(name), IsVerified: false),
                TimeSpan.FromHours(parse.GetValue(hours)),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    public static Command ResetPassword(RunOperatorCommand run)
    {
        var (account, hours, json) = (OperatorAccount.Argument(), Hours(ResetHours), OperatorOutput.JsonOption());
        var command = new Command("reset-password", "Show a link that sets a new password once") { account, hours, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => ResetPasswordAsync(
                services,
                parse.GetRequiredValue(account),
                TimeSpan.FromHours(parse.GetValue(hours)),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    public static Command SetEmail(RunOperatorCommand run)
    {
        var (account, email, verified, json) = (OperatorAccount.Argument(), Email(), Verified(), OperatorOutput.JsonOption());
        var command = new Command("set-email", "Give an account another email address") { account, email, verified, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => SetEmailAsync(
                services,
                parse.GetRequiredValue(account),
                new Wanted(parse.GetRequiredValue(email), Name: null, parse.GetValue(verified)),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    public static Command Delete(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var command = new Command("delete", "Delete an account at once, with its keys and its subscription; its usage stays")
        {
            account, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => DeleteAsync(
                services, parse.GetRequiredValue(account), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> CreateAsync(
        IServiceProvider services, Wanted wanted, bool fromInput, OperatorOutput output, CancellationToken cancellationToken)
    {
        var password = fromInput
            ? await Console.In.ReadLineAsync(cancellationToken) ?? ""
            : RandomNumberGenerator.GetString(PasswordCharacters, PasswordLength);
        var errors = wanted.Check();
        errors.Password("password", password, services.GetRequiredService<CommonPasswords>(), wanted.Email);
        if (Describe(errors) is { } problem)
            return await OperatorOutput.RefuseAsync(problem);

        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var created = await services.GetRequiredService<AccountAdministration>().CreateAsync(
            EmailAddresses.Parse(wanted.Email)!, wanted.Name, password, wanted.IsVerified, cancellationToken);
        if (created is null)
            return await OperatorOutput.FailAsync(Taken(wanted.Email));
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                Account(created).Write(writer);
                if (!fromInput)
                    writer.WriteString("password", password);
            });
        }

        return await OperatorOutput.SayAsync(fromInput
            ? $"Created {created.Email}."
            : $"Created {created.Email}. Its password, which is shown only now: {password}");
    }

    private static async Task<int> InviteAsync(
        IServiceProvider services, Wanted wanted, TimeSpan lifetime, OperatorOutput output, CancellationToken cancellationToken)
    {
        if (Describe(wanted.Check()) is { } problem)
            return await OperatorOutput.RefuseAsync(problem);
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var administration = services.GetRequiredService<AccountAdministration>();
        var created = await administration.CreateAsync(
            EmailAddresses.Parse(wanted.Email)!, wanted.Name, password: null, isVerified: false, cancellationToken);
        var account = created is not null
            ? Account(created)
            : await OperatorAccount.FindAsync(services, wanted.Email, cancellationToken);
        if (account is null)
            return await OperatorOutput.FailAsync(Taken(wanted.Email));
        // An invitation that was not used can be made again.
        if (created is null && await administration.HasPasswordAsync(account.Id, cancellationToken))
        {
            return await OperatorOutput.FailAsync(
                $"{account.Email} has an account with a password already. For a new one: accounts reset-password {account.Email}");
        }

        var link = await administration.MakeLinkAsync(account.Id, account.Email, lifetime, isInvitation: true, cancellationToken);
        return await ShowAsync(services, output, account, link, $"Invited {account.Email}. The password is chosen at");
    }

    private static async Task<int> ResetPasswordAsync(
        IServiceProvider services, string typed, TimeSpan lifetime, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var link = await services.GetRequiredService<AccountAdministration>().MakeLinkAsync(
            account.Id, account.Email, lifetime, isInvitation: false, cancellationToken);
        return await ShowAsync(services, output, account, link, $"The new password of {account.Email} is chosen at");
    }

    private static async Task<int> SetEmailAsync(
        IServiceProvider services, string typed, Wanted wanted, OperatorOutput output, CancellationToken cancellationToken)
    {
        if (Describe(wanted.Check()) is { } problem)
            return await OperatorOutput.RefuseAsync(problem);
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var email = EmailAddresses.Parse(wanted.Email)!;
        if (!await services.GetRequiredService<AccountAdministration>().TrySetEmailAsync(
            account.Id, email, wanted.IsVerified, cancellationToken))
            return await OperatorOutput.FailAsync(Taken(wanted.Email));
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                (account with { Email = email.Shown }).Write(writer);
                writer.WriteBoolean("email_verified", wanted.IsVerified);
            });
        }

        var state = wanted.IsVerified ? "It counts as verified." : "It is not verified yet.";
        return await OperatorOutput.SayAsync($"{account.Email} is {email.Shown} now. {state}");
    }

    private static async Task<int> DeleteAsync(
        IServiceProvider services, string typed, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        await services.GetRequiredService<AccountAdministration>().DeleteAsync(account.Id, cancellationToken);
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteString("id", account.Id);
                writer.WriteBoolean("deleted", true);
            })
            : await OperatorOutput.SayAsync($"Deleted {account.Email}.");
    }

    private static async Task<int> ShowAsync(
        IServiceProvider services, OperatorOutput output, OperatorAccount account, PasswordLink link, string message)
    {
        if (services.GetRequiredService<ServerOptions>().PublicUrl is null)
        {
            await OperatorOutput.NoteAsync(
                "PYRESOLVE_PUBLIC_URL is not set, so the link is for this machine: set it to the address that people reach.");
        }

        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteString("url", link.Url);
                writer.WriteInstant("expires_at", link.ExpiresAt);
                writer.WriteBoolean("emailed", link.IsEmailed);
            });
        }

        var emailed = link.IsEmailed ? " Another link goes to the address by email." : "";
        return await OperatorOutput.SayAsync(
            $"{message}\n{link.Url}\nThe link works once, until {link.ExpiresAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC.{emailed}");
    }

    private static OperatorAccount Account(UserInfo user) => new(user.Id, user.Email, user.Name, user.Plan);

    private static string Taken(string email) =>
        $"There is an account with the mailbox of {email} already. The command 'accounts list' shows them all.";

    private static string? Describe(FieldErrors errors) => errors.Problem?.Errors is { } all
        ? string.Join(' ', all.SelectMany(field => field.Value.Select(error => $"The {field.Key} {error}")))
        : null;

    private static Argument<string> Email() => new("email") { Description = "The email address" };

    private static Option<string?> Name() => new("--name") { Description = "The person's name", HelpName = "name" };

    private static Option<bool> Verified() => new("--verified")
    {
        Description = "The address is known to be this person's",
        Arity = ArgumentArity.Zero,
    };

    private static Option<int> Hours(int fallback)
    {
        var option = new Option<int>("--hours")
        {
            Description = $"How long the link is valid: 1 to {MaxHours}, default {fallback}",
            DefaultValueFactory = _ => fallback,
            HelpName = "hours",
        };
        option.Validators.Add(result =>
        {
            if (result.Errors.Any() || result.GetValueOrDefault<int>() is < 1 or > MaxHours)
                result.AddError($"--hours is a number from 1 to {MaxHours}.");
        });
        return option;
    }

    private sealed record Wanted(string Email, string? Name, bool IsVerified)
    {
        public FieldErrors Check()
        {
            var errors = new FieldErrors();
            errors.Email("email", Email);
            errors.Text("name", Name, MaxNameLength);
            return errors;
        }
    }
}
