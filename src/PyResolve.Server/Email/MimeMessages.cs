using MimeKit;
using MimeKit.Utils;

namespace PyResolve.Server.Email;

internal static class MimeMessages
{
    /// <exception cref="EmailDeliveryException">The address is none that an email can be sent to.</exception>
    public static MimeMessage ToMime(this EmailMessage email, MailboxAddress from, TimeProvider time)
    {
        // What parses to anything but itself (a list, a comment, a route) is no single address.
        if (!MailboxAddress.TryParse(email.To, out var to) || to.Address != email.To)
            throw new EmailDeliveryException("the address is not one that an email can be sent to", isPermanent: true);

        var message = new MimeMessage
        {
            Subject = email.Subject,
            Date = time.GetUtcNow(),
            MessageId = MimeUtils.GenerateMessageId(from.Domain),
            Body = new TextPart("plain") { Text = email.Text },
        };
        message.From.Add(from);
        message.To.Add(to);
        message.Headers.Add("Auto-Submitted", "auto-generated");
        return message;
    }
}
