/** When the alert about silence keeps quiet: downtime schedules (AlertmanagertypesPostablePlannedMaintenance). */
import { minutesOf } from "../config/alerts";
import type { ContentInput } from "./contentInput";

/** The label by which the schedules choose the rules they mute. */
export const quietLabel = { during: "working_hours" };

/** By this description, and by nothing else, provisioning knows its own schedules. */
export const ownDescription = "managed by monitoring";

const days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** From a working day's end to the next working day: how many nights. */
function nightsAfter(day: string, workingDays: string[]): number {
  const start = days.indexOf(day);
  for (let nights = 1; nights < 7; nights++)
    if (workingDays.includes(days[(start + nights) % 7] ?? "")) return nights;
  return 7;
}

/** A Monday in winter; SigNoz repeats its time of day in the schedule's own zone, so summer time is kept. */
const firstDay = "2026-01-05";

function offset(timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    timeZoneName: "longOffset",
  }).formatToParts(new Date(`${firstDay}T12:00:00Z`));
  // "GMT+01:00"; for UTC "GMT" or "GMT+00:00", by the version of ICU.
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return name.replace("GMT", "") || "+00:00";
}

/**
 * One schedule for each length of the pause, e.g. nights and weekends. It lasts until the hours of silence
 * have passed in the new working day: before that, nothing heard is not yet N hours of working time.
 */
export function renderQuietHours({
  silentHours,
  workingDays,
  workingHours: { start, end },
  timezone,
}: ContentInput) {
  if (silentHours === 0) return [];
  const lengths = new Set(workingDays.map((day) => nightsAfter(day, workingDays)));
  return [...lengths].sort().map((nights) => {
    const pause = nights * 24 * 60 - minutesOf(end) + minutesOf(start) + silentHours * 60;
    return {
      name: `Claude Code: outside working hours (${nights === 1 ? "night" : `${nights} nights`})`,
      description: ownDescription,
      schedule: {
        timezone,
        startTime: `${firstDay}T${end}:00${offset(timezone)}`,
        recurrence: {
          duration: `${Math.floor(pause / 60)}h${pause % 60}m0s`,
          repeatType: "weekly",
          repeatOn: days.filter(
            (day) => workingDays.includes(day) && nightsAfter(day, workingDays) === nights,
          ),
        },
      },
      alertIds: [],
      scope: `managed_by == "monitoring" && during == "${quietLabel.during}"`,
    };
  });
}
