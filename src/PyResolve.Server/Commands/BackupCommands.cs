using System.CommandLine;
using System.Globalization;
using PyResolve.Server.Backups;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>One file with everything that the store has, and back into an empty store of either engine.</summary>
internal static class BackupCommands
{
    public static Command CreateBackup(RunOperatorCommand run)
    {
        var file = new Argument<string>("file") { Description = "The file to write, such as pyresolve.backup. It must not exist yet" };
        var withKeys = new Option<bool>("--with-keys")
        {
            Description = "Keep the lease key and the encryption key in it too: store it where no one else reads it",
            Arity = ArgumentArity.Zero,
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command("backup", "Write everything in the store to one file, as it is at one instant, while servers go on")
        {
            file, withKeys, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => BackupAsync(services, parse.GetRequiredValue(file), parse.GetValue(withKeys), parse.GetValue(json), token),
            cancellationToken));
        return command;
    }

    public static Command CreateRestore(RunOperatorCommand run)
    {
        var file = new Argument<string>("file") { Description = "The file that the command backup has written, on either engine" };
        var keysTo = new Option<string?>("--keys-to")
        {
            Description = $"Where the keys in it go, as files and as lines of settings ({RestoredKeys.LinesFile}); by default, with the "
                + "embedded database, beside it",
            HelpName = "folder",
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command("restore", "Fill an empty store with a backup, whole or not at all") { file, keysTo, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => RestoreAsync(services, parse.GetRequiredValue(file), parse.GetValue(keysTo), parse.GetValue(json), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> BackupAsync(
        IServiceProvider services, string file, bool withKeys, bool isJson, CancellationToken cancellationToken)
    {
        if (File.Exists(file))
            return await OperatorOutput.RefuseAsync($"{file} exists already. Name a new file, or remove that one.");
        var options = services.GetRequiredService<ServerOptions>();
        var keys = withKeys ? ServerKeys.Read(services.GetRequiredService<IConfiguration>(), options) : [];
        // An embedded server makes its keys at their first use: a backup of every night begins before.
        if (withKeys && keys.Count == 0 && options.DatabaseUrl is not null)
        {
            return await OperatorOutput.RefuseAsync(
                $"No key was found: {string.Join(" and ", ServerKeys.All.Select(static key => key.Setting))} are not set here. Set those "
                + "that the server has, or leave out --with-keys if it has none. Nothing was written.");
        }

        // Complete or not there: an interrupted backup must not be taken for one.
        var draft = $"{file}.{Path.GetRandomFileName()}";
        try
        {
            BackupSummary summary;
            await using (var stream = OpenNew(draft))
            {
                using var progress = new ProgressLine("Written");
                summary = await services.GetRequiredService<StoreBackup>().WriteAsync(stream, keys, progress, cancellationToken);
                stream.Flush(flushToDisk: true);
            }
            File.Move(draft, file, overwrite: false);
            if (withKeys)
            {
                foreach (var missing in ServerKeys.DescribeMissing(keys, options))
                    await OperatorOutput.NoteAsync(missing);
            }

            var size = new FileInfo(file).Length;
            var with = keys.Count > 0 ? $" It has the keys {string.Join(", ", keys.Keys)}." : " It has no keys.";
            return await SayAsync(
                summary, isJson, $"{file} has the store as of {At(summary)}: {Count(summary)}, {Number(size)} bytes.{with}", keys.Keys);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private static async Task<int> RestoreAsync(
        IServiceProvider services, string file, string? keysTo, bool isJson, CancellationToken cancellationToken)
    {
        if (!File.Exists(file))
            return await OperatorOutput.RefuseAsync($"There is no file {file}.");
        var options = services.GetRequiredService<ServerOptions>();
        var keys = new RestoredKeys(
            services.GetRequiredService<IConfiguration>(), options, keysTo is null ? null : Path.GetFullPath(keysTo));
        BackupSummary summary;
        await using (var stream = File.OpenRead(file))
        {
            using var progress = new ProgressLine("Restored");
            summary = await services.GetRequiredService<StoreRestore>().ReadAsync(stream, keys, progress, cancellationToken);
        }

        if (keysTo is not null && keys.Files.Any())
        {
            await OperatorOutput.NoteAsync(
                $"The keys are in {string.Join(", ", keys.Files)}. "
                + (options.DatabaseUrl is null
                    ? "The server looks for the first ones beside its database."
                    : $"The server reads them from its settings: add the lines of {RestoredKeys.LinesFile} before you start it."));
        }

        return await SayAsync(
            summary, isJson,
            $"The store is as of {At(summary)}: {Count(summary)}. Running servers forget the keys that they knew. "
            + "What happened after that instant is not in it.");
    }

    private static FileStream OpenNew(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = PrivateData.FileMode;
        return new FileStream(file, options);
    }

    private static string At(BackupSummary summary) => summary.TakenAt.ToString("u", CultureInfo.InvariantCulture);

    private static string Count(BackupSummary summary) =>
        $"{Number(summary.Rows)} rows in {summary.Tables.Count} tables, schema version {summary.Schema}";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static Task<int> SayAsync(BackupSummary summary, bool isJson, string text, IEnumerable<string>? keys = null) => !isJson
        ? OperatorOutput.SayAsync(text)
        : OperatorOutput.WriteAsync(writer =>
        {
            writer.WriteInstant("taken_at", summary.TakenAt);
            writer.WriteNumber("schema", summary.Schema);
            if (keys is not null)
            {
                writer.WriteStartArray("keys");
                foreach (var key in keys)
                    writer.WriteStringValue(key);
                writer.WriteEndArray();
            }

            writer.WriteStartArray("tables");
            foreach (var table in summary.Tables)
            {
                writer.WriteStartObject();
                writer.WriteString("table", table.End);
                writer.WriteNumber("rows", table.Rows);
                writer.WriteString("sha256", table.Sha256);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        });
}
