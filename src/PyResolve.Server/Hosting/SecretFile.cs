using PyResolve.Client;

namespace PyResolve.Server.Hosting;

/// <summary>A file beside the embedded database with a key that the server makes on its first use, readable by its owner alone.</summary>
internal static class SecretFile
{
    /// <summary>Safe beside other processes that do the same: the file appears complete, and the first one stays.</summary>
    /// <returns>What is in the file.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static string Create(string file, Func<string> makeContent)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var draft = $"{file}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (var stream = new FileStream(draft, options))
            using (var writer = new StreamWriter(stream))
            {
                writer.Write(makeContent());
                writer.Flush();
                Durable.Flush(stream);
            }

            File.Move(draft, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
        }
        catch (Exception exception) when (FileFault.Is(exception))
        {
            var cause = FileFault.Explain(exception).Replace(draft, file, StringComparison.Ordinal);
            throw new IOException($"{file} cannot be written: {cause}.", exception);
        }
        finally
        {
            File.Delete(draft);
        }

        FlushFolders(file);
        return File.ReadAllText(file);
    }

    /// <summary>Before a key is used, its file must survive a power cut, even if its creator failed before it flushed.</summary>
    public static void FlushFolders(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        Durable.FlushFolder(folder);
        if (Path.GetDirectoryName(folder) is { } parent)
            Durable.FlushFolder(parent);
    }
}
