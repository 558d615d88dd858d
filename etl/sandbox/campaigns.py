"""Words for believable campaigns, in several languages and scripts.

Among them what trips careless programs: emoji, right-to-left text, combining marks, tabs, line breaks,
U+2028, quotes and backslashes.
"""

from __future__ import annotations

TITLES = (
    "Appointment Reminders",
    "Follow-up Campaign",
    "Renewal Outreach",
    "Customer Satisfaction Survey",
    "Payment Reminder – 30 days",
    "Webinar Invitations 🎉",
    "Delivery Confirmation 📦",
    "Dental Check-ups 🦷",
    "Rappel de rendez-vous",
    "Enquête de satisfaction — été",
    "Terminerinnerung Zahnarztpraxis",
    "Rückruf: Vertragsverlängerung",
    "Recordatorio de cita médica",
    "Campaña de reactivación ¡ya!",
    "Lembrete de vacinação",
    "Przypomnienie o wizycie",
    "Připomínka prohlídky",
    "Напоминание о приёме",
    "Υπενθύμιση ραντεβού",
    "تذكير بالموعد",
    "حملة المتابعة",
    "תזכורת לתור",
    "予約のリマインダー",
    "客户回访活动",
    "예약 알림 📞",
    "अपॉइंटमेंट अनुस्मारक",
    "การแจ้งเตือนนัดหมาย",
    "Nhắc lịch hẹn",
    "Win-back 💜👩‍👩‍👧‍👦",
    "Élan café́ (déjà vu)",
)
ODD_TITLES = (
    "Imported\tfrom sheet",
    "First line\nsecond line",
    "Copied\u2028from a chat",
    'The "big" one \\ backup',
    "  spaces around  ",
    "\u200fمزيج\u200f mixed \u200eorder",
    "<b>Sale</b> & more; DROP TABLE",
    "=1+2 summary",
    "𝓕𝓪𝓷𝓬𝔂 launch 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "x" * 240,
)
PURPOSES = (
    "Remind about the appointment",
    "Ask how the last visit went",
    "Confirm the delivery window",
    "Offer an earlier slot",
    "Recordar la cita y confirmar asistencia",
    "Vertragsverlängerung anbieten",
    "تأكيد الموعد القادم",
    None,
)
GOALS = (
    "Confirm, reschedule or cancel — «goal»",
    "A rating from 1 to 5, and one sentence why",
    "Book a call back with an adviser",
    "Obtener una confirmación verbal",
    None,
    None,
)
CALLER_IDS = (
    "+16045550123",
    "+14155550100",
    "+442079460958",
    "+33199005512",
    "+493023125001",
    "+12125550177",
)
WINDOWS = (
    ("09:00:00", "17:00:00"),
    ("08:30:00", "20:00:00"),
    ("00:00:00", "23:59:00"),
    ("10:00:00", "18:30:00"),
)
WEEKS = ((1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6), (1, 3))
SERIES = ("daily", "weekly", "weekly", "monthly", "hourly")
