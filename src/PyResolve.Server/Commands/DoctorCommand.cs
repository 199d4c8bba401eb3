using System.CommandLine;
using PyResolve.Server.Doctor;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Commands;

internal static class DoctorCommand
{
    public static Command Create(RunOperatorCommand run)
    {
        var json = OperatorOutput.JsonOption();
        var command = new Command("doctor", "Check everything that the server needs, and name the fix of what is wrong") { json };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var isJson = parse.GetValue(json);
            try
            {
                return await run(
                    parse,
                    async (services, token) =>
                        await ReportAsync(await services.GetRequiredService<ServerDoctor>().ExamineAsync(token), isJson),
                    cancellationToken);
            }
            catch (Exception exception) when (exception is InvalidConfigurationException or FormatException)
            {
                return await ReportAsync([WrongSetting(exception)], isJson);
            }
            // The server reads its keys before anything is looked at.
            catch (UnauthorizedAccessException exception)
            {
                return await ReportAsync([FolderCheck.OfAnotherUser(exception)], isJson);
            }
        });
        return command;
    }

    private static Finding WrongSetting(Exception exception) => new(
        "Settings", HealthState.Bad, exception.Message,
        "Correct it: 'config' shows where each setting comes from. Then run doctor again.");

    private static async Task<int> ReportAsync(IReadOnlyList<Finding> findings, bool isJson)
    {
        var isHealthy = findings.All(static finding => finding.State is not HealthState.Bad);
        if (isJson)
            await WriteAsync(findings, isHealthy);
        else
            await SayAsync(findings, isHealthy);
        return isHealthy ? OperatorOutput.Done : OperatorOutput.Failed;
    }

    private static async Task SayAsync(IReadOnlyList<Finding> findings, bool isHealthy)
    {
        foreach (var finding in findings)
        {
            await Console.Out.WriteLineAsync($"{NameOf(finding.State),-4}  {finding.About}: {finding.Text}");
            if (finding.Fix is { } fix)
                await Console.Out.WriteLineAsync($"      Fix: {fix}");
        }

        await Console.Out.WriteLineAsync(isHealthy ? "Nothing is wrong." : "Fix what is marked BAD, then run doctor again.");
    }

    private static Task<int> WriteAsync(IReadOnlyList<Finding> findings, bool isHealthy) => OperatorOutput.WriteAsync(writer =>
    {
        writer.WriteBoolean("healthy", isHealthy);
        writer.WriteStartArray("findings");
        foreach (var finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("about", finding.About);
            writer.WriteString("state", NameOf(finding.State).ToLowerInvariant());
            writer.WriteString("text", finding.Text);
            writer.WriteString("fix", finding.Fix);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static string NameOf(HealthState state) => state switch
    {
        HealthState.Good => "ok",
        HealthState.Look => "look",
        _ => "BAD",
    };
}
