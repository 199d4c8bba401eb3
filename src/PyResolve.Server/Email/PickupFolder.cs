using MimeKit;

namespace PyResolve.Server.Email;

/// <summary>Writes emails to a folder as <c>.eml</c> files, for development or for another program to send.</summary>
internal sealed class PickupFolder(string folder, MailboxAddress from, TimeProvider time) : IEmailTransport
{
    public string Name => $"the folder {folder}";

    public string Fix => "Set PyResolve:EmailFolder to a folder that the server's user may write to.";

    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, $"{Path.GetRandomFileName()}.tmp");
        try
        {
            CreateFolder();
            await using (var stream = new FileStream(file, ForOwnerOnly()))
                await stream.WriteAsync(new byte[1], cancellationToken);
            File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(exception);
        }
    }

    public async Task SendAsync(EmailMessage message, CancellationToken cancellationToken)
    {
        using var mime = message.ToMime(from, time);
        var file = Path.Combine(folder, $"{Guid.CreateVersion7(time.GetUtcNow())}.eml");
        var unfinished = file + ".tmp";
        try
        {
            CreateFolder();
            await using (var stream = new FileStream(unfinished, ForOwnerOnly()))
                await mime.WriteToAsync(stream, cancellationToken);
            File.Move(unfinished, file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(exception);
        }
    }

    private EmailDeliveryException CannotBeWritten(Exception exception) =>
        new($"the folder {folder} cannot be written to: {exception.Message}", isPermanent: false, exception);

    // Until it is used, an email's link is as secret as a password.
    private static FileStreamOptions ForOwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
