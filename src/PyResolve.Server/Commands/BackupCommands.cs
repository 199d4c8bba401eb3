using System.CommandLine;
using System.Globalization;
using System.Text.Json;
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
        if (FindMisuse(file) is { } misuse)
            return await OperatorOutput.RefuseAsync(misuse);
        var options = services.GetRequiredService<ServerOptions>();
        var keys = withKeys ? ServerKeys.Read(services.GetRequiredService<IConfiguration>(), options) : [];
        // An embedded server makes its keys at their first use: a backup of every night begins before.
        if (withKeys && keys.Count == 0 && options.DatabaseUrl is not null)
        {
            return await OperatorOutput.RefuseAsync(
                $"No key was found: {string.Join(" and ", ServerKeys.All.Select(static key => key.Setting))} are not set here. Set those "
                + "that the server has, or leave out --with-keys if it has none. Nothing was written.");
        }

        var store = services.GetRequiredService<StoreBackup>();
        // Complete or not there: an interrupted backup must not be taken for one.
        var suffix = Path.GetRandomFileName();
        var draft = $"{file}.{suffix}";
        try
        {
            BackupSummary summary;
            await using (var stream = OpenNew(draft))
            {
                using var progress = new ProgressLine("Written");
                summary = await store.WriteAsync(stream, keys, progress, cancellationToken);
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
        catch (Exception exception) when (IsAbout(suffix, exception))
        {
            return await OperatorOutput.FailAsync(
                $"{file} cannot be written: {FileFault.Explain(exception)}. Nothing is left of it. Name a file in a folder with room that "
                + $"{Environment.UserName} may write to.");
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>Reading the store may fail in the same ways, but does not name the draft.</summary>
    private static bool IsAbout(string suffix, Exception exception) => exception switch
    {
        IOException or UnauthorizedAccessException => exception.Message.Contains(suffix, StringComparison.Ordinal),
        ArgumentOutOfRangeException { ParamName: "value" } => true,
        _ => false,
    };

    /// <returns>Why no backup can be written to a file; null: it can be tried.</returns>
    private static string? FindMisuse(string file)
    {
        if (Directory.Exists(file))
            return $"{file} is a folder. Name a file in it, such as {Path.Combine(file, "pyresolve.backup")}.";
        if (File.Exists(file))
            return $"{file} exists already. Name a new file, or remove that one.";
        var folder = Path.GetDirectoryName(Path.GetFullPath(file));
        return folder is null || Directory.Exists(folder)
            ? null
            : $"{file} cannot be written: there is no folder {folder} that {Environment.UserName} may use. Create it first (mkdir -p), or "
                + "name a file in another one.";
    }

    private static async Task<int> RestoreAsync(
        IServiceProvider services, string file, string? keysTo, bool isJson, CancellationToken cancellationToken)
    {
        if (Directory.Exists(file))
            return await OperatorOutput.RefuseAsync($"{file} is a folder. Name the file in it that the command backup has written.");
        if (!File.Exists(file))
        {
            return await OperatorOutput.RefuseAsync(
                $"There is no file {file} that {Environment.UserName} may see. Name one that the command backup has written.");
        }

        var options = services.GetRequiredService<ServerOptions>();
        var store = services.GetRequiredService<StoreRestore>();
        var keys = new RestoredKeys(
            services.GetRequiredService<IConfiguration>(), options, keysTo is null ? null : Path.GetFullPath(keysTo));
        BackupSummary summary;
        try
        {
            await using var stream = OpenToRead(file);
            using var progress = new ProgressLine("Restored");
            using var upgrade = new ProgressLine("Applying", "files");
            summary = await store.ReadAsync(
                stream, keys, progress, step => upgrade.Report(step.Name, step.Applied, step.All), cancellationToken);
        }
        catch (Exception exception)
            when (cancellationToken.IsCancellationRequested && exception is (OperationCanceledException or StoreUnavailableException))
        {
            await OperatorOutput.NoteAsync("Nothing was restored.");
            throw;
        }

        if (keys.Files.Any())
            await OperatorOutput.NoteAsync($"The keys are in {string.Join(", ", keys.Files)}.{WhoReads(keysTo, options)}");
        foreach (var missing in keys.DescribeMissing())
            await OperatorOutput.NoteAsync(missing);
        return await SayAsync(
            summary, isJson,
            $"The store is as of {At(summary)}: {Count(summary)}"
            + (summary.StoreSchema == summary.Schema ? "" : $", brought up to {summary.StoreSchema}")
            + ". Running servers forget the keys that they knew. What happened after that instant is not in it.",
            keys.Names, keys.Files);
    }

    private static string WhoReads(string? keysTo, ServerOptions options) => (keysTo, options.DatabaseUrl) switch
    {
        (null, _) => "",
        (_, null) => " The server looks for the first ones beside its database.",
        _ => $" The server reads them from its settings: add the lines of {RestoredKeys.LinesFile} before you start it.",
    };

    private static FileStream OpenToRead(string file)
    {
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(
                $"{file} cannot be read: {FileFault.Explain(exception)}. Nothing was restored. Only its owner may read a backup: run the "
                + "command as that user, or as root.",
                exception);
        }
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

    private static Task<int> SayAsync(
        BackupSummary summary, bool isJson, string text, IEnumerable<string> keys, IEnumerable<string>? keyFiles = null) => !isJson
        ? OperatorOutput.SayAsync(text)
        : OperatorOutput.WriteAsync(writer =>
        {
            writer.WriteInstant("taken_at", summary.TakenAt);
            writer.WriteNumber("schema", summary.Schema);
            if (summary.StoreSchema is { } stored)
                writer.WriteNumber("store_schema", stored);
            WriteArray(writer, "keys", keys);
            if (keyFiles is not null)
                WriteArray(writer, "key_files", keyFiles);
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

    private static void WriteArray(Utf8JsonWriter writer, string name, IEnumerable<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
            writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
